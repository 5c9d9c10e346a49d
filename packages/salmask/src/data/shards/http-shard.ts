/** Shards behind HTTP, of which ranges are requested (RFC 9110, section 14). */
import { setTimeout as wait } from "node:timers/promises";
import { DataError, messageOf } from "../../base/errors.js";
import { changed, notReadable, type ShardFile } from "./shard-file.js";

/** How patient requests are. */
export interface Patience {
  /** Tries of one request. */
  readonly tries: number;
  /** Before the second try, in ms; doubled before each later one. */
  readonly pause: number;
  /** The longest time without a byte, in ms. */
  readonly silence: number;
}

export const usualPatience: Patience = { tries: 6, pause: 500, silence: 30_000 };

const mostRedirects = 5;
/** The longest pause that a server may ask for, in ms. */
const longestPause = 60_000;
/** Answers after which the same request may succeed: too slow, too many requests, and faults of the server. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What one answer gave: the bytes of a range, and which file they are from. */
interface Part {
  readonly content: Buffer;
  readonly bytes: number;
  readonly stamp: string;
}

/** A fault that may pass; `after` is how long the server asks to wait, in ms. */
class PassingFault extends Error {
  constructor(
    message: string,
    readonly after: number | null = null,
  ) {
    super(message);
  }
}

/** An address without what follows `?`, which may hold a key. */
export function shownAddress(address: string): string {
  return address.replace(/[?#].*$/s, "");
}

/**
 * A file behind `http:` or `https:`. Throws a {@link DataError}: `ranges-ignored` where the server sends whole files only,
 * `shard-not-readable` for other answers, and after several tries.
 */
export async function openHttpShard(
  url: string,
  patience = usualPatience,
  signal?: AbortSignal,
): Promise<ShardFile> {
  const address = shownAddress(url);
  const first = await tried(address, patience, signal, () =>
    partOf(url, { offset: 0, length: 1 }, patience, signal),
  );
  const { bytes, stamp } = first;
  return {
    address,
    bytes,
    stamp: `${bytes} ${stamp}`,
    window: { least: 2 ** 16, most: 2 ** 21 },
    async read(offset, length, reading) {
      if (length === 0) return Buffer.alloc(0);
      const part = await tried(address, patience, reading, () =>
        partOf(url, { offset, length }, patience, reading),
      );
      if (part.bytes !== bytes || part.stamp !== stamp) throw changed(address);
      if (part.content.length !== length)
        throw notReadable(address, `${part.content.length} of ${length} bytes`);
      return part.content;
    },
  };
}

/** Tries again after faults that may pass. */
async function tried<T>(
  address: string,
  { tries, pause }: Patience,
  signal: AbortSignal | undefined,
  request: () => Promise<T>,
): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await request();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PassingFault)) throw error;
      if (turn >= tries) throw notReadable(address, `${error.message}, ${tries} times`, error);
      const ms = Math.min(longestPause, error.after ?? pause * 2 ** (turn - 1));
      await wait(ms, undefined, { signal });
    }
  }
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

async function partOf(
  url: string,
  range: Range,
  { silence }: Patience,
  signal: AbortSignal | undefined,
): Promise<Part> {
  const watch = new Watch(silence, signal);
  try {
    const answer = await requested(url, range, watch);
    try {
      return await read(answer, url, range, watch);
    } finally {
      // A connection whose answer was not read to its end is of no more use.
      await answer.body?.cancel().catch(() => undefined);
    }
  } catch (error) {
    if (error instanceof DataError || error instanceof PassingFault) throw error;
    signal?.throwIfAborted();
    const why = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new PassingFault(watch.isOver ? `no byte for ${silence} ms` : messageOf(why));
  } finally {
    watch.end();
  }
}

/** Follows redirects itself, so that they are few and lead nowhere else than to HTTP. */
async function requested(url: string, { offset, length }: Range, { signal }: Watch): Promise<Response> {
  let at = new URL(url);
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await fetch(at, {
      redirect: "manual",
      headers: { range: `bytes=${offset}-${offset + length - 1}`, "accept-encoding": "identity" },
      signal,
    });
    const to = answer.headers.get("location");
    if (answer.status < 300 || answer.status > 399 || to === null) return answer;
    await answer.body?.cancel();
    const next = URL.canParse(to, at.href) ? new URL(to, at) : null;
    const isAllowed =
      next !== null && (next.protocol === "https:" || (next.protocol === "http:" && at.protocol === "http:"));
    if (!isAllowed) throw notReadable(shownAddress(url), `a redirect to ${shownAddress(to).slice(0, 200)}`);
    at = next;
  }
  throw notReadable(shownAddress(url), `more than ${mostRedirects} redirects`);
}

async function read(answer: Response, url: string, { offset, length }: Range, watch: Watch): Promise<Part> {
  const { status, headers } = answer;
  const address = shownAddress(url);
  const stamp = headers.get("etag") ?? headers.get("last-modified") ?? "";
  const [, from, to, total] =
    /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  // An empty file has no range.
  if (status === 416 && total === "0") return { content: Buffer.alloc(0), bytes: 0, stamp };
  if (status === 416 && total !== undefined) throw changed(address);
  if (passing.has(status)) throw new PassingFault(`the answer ${status}`, pauseOf(headers));
  if (status === 200) {
    throw new DataError(
      "ranges-ignored",
      `Expected a server that sends parts of ${address} (the answer 206 to a request with Range), got the whole file. ` +
        "Serve the shards with a server that knows ranges, or copy them into a folder.",
    );
  }
  if (status !== 206) throw notReadable(address, `the answer ${status}`);
  const bytes = Number(total);
  const last = Math.min(offset + length, bytes) - 1;
  if (total === undefined || Number(from) !== offset || Number(to) !== last) {
    const got = (headers.get("content-range") ?? "no range").slice(0, 100);
    throw notReadable(address, `${got} in answer to bytes ${offset}-${offset + length - 1}`);
  }
  const content = await whole(answer, last - offset + 1, watch);
  return { content, bytes, stamp };
}

/** Exactly `length` bytes, never more. Throws {@link PassingFault}. */
async function whole(answer: Response, length: number, watch: Watch): Promise<Buffer> {
  const content = Buffer.allocUnsafeSlow(length);
  let done = 0;
  if (answer.body !== null) {
    for await (const piece of answer.body) {
      watch.heard();
      if (done + piece.length > length)
        throw new PassingFault(`more than the ${length} bytes that were asked for`);
      content.set(piece, done);
      done += piece.length;
    }
  }
  if (done < length) throw new PassingFault(`${done} of ${length} bytes`);
  return content;
}

/** What `Retry-After` asks for, in ms; null where it asks for nothing that is understood. */
function pauseOf(headers: Headers): number | null {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? 1000 * Number(text) : null;
}

/** Aborts a request that says nothing for too long, or that is no longer wanted. */
class Watch {
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly unwanted = () => this.abort.abort();
  isOver = false;

  constructor(
    silence: number,
    private readonly wanted: AbortSignal | undefined,
  ) {
    this.timer = setTimeout(() => {
      this.isOver = true;
      this.abort.abort();
    }, silence);
    wanted?.addEventListener("abort", this.unwanted);
    if (wanted?.aborted === true) this.unwanted();
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  heard(): void {
    this.timer.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
    this.wanted?.removeEventListener("abort", this.unwanted);
  }
}
