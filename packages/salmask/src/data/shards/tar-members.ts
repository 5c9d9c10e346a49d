/** What lies where in a tar archive, from its headers alone: contents are skipped. */
import type { Header } from "tar-stream";
import { DataError, messageOf } from "../../base/errors.js";
import { ReadingWindow } from "./reading-window.js";
import type { ShardFile } from "./shard-file.js";
import { BLOCK, type HeaderKind, readHeader, readPax, type TarHeader, textIn } from "./tar-header.js";

/** A member of an archive. */
export interface TarMember {
  readonly name: string;
  readonly type: Header["type"];
  readonly linkname: string;
  /** Where its content begins, in bytes from the archive's start. */
  readonly offset: number;
  /** Of its content, in bytes. */
  readonly size: number;
  /** Reads the content, which must be small. */
  content(): Promise<Buffer>;
}

/** Extended headers are read whole. */
const longestExtension = 2 ** 20;
/** Headers about one member. */
const mostExtensions = 16;

const isMember = (kind: HeaderKind): kind is Header["type"] =>
  !["pax", "pax-global", "gnu-long-name", "gnu-long-link", "gnu-sparse", "unknown"].includes(kind);

/**
 * The members of a tar archive in their order. What a member says is checked against the archive's length. Throws a {@link DataError}
 * `damaged-archive` where the archive is none, and what reading throws.
 */
export async function* tarMembers(file: ShardFile, signal?: AbortSignal): AsyncGenerator<TarMember> {
  const window = new ReadingWindow(file, signal);
  const damaged = (got: string) =>
    new DataError(
      "damaged-archive",
      `Expected a whole tar archive at ${file.address}, got: ${got}. Copy or download it again.`,
    );
  let said = nothingSaid;
  let extensions = 0;
  for (let at = 0; at < file.bytes; ) {
    if (at + BLOCK > file.bytes) throw damaged(`an end at byte ${file.bytes}, in the header at byte ${at}`);
    const block = await window.bytes(at, BLOCK);
    const header = parsed(
      () => readHeader(block),
      (why) => damaged(`at byte ${at}: ${why}`),
    );
    if (header === null) return;
    const offset = at + BLOCK;
    const isExtension = !isMember(header.kind) && header.kind !== "gnu-sparse" && header.kind !== "unknown";
    const size = isExtension ? header.size : (said.size ?? header.size);
    // The sum is compared before it is rounded up, so that a huge size cannot lose its digits.
    if (size > file.bytes - offset)
      throw damaged(`a member of ${size} bytes at byte ${at}, where ${file.bytes - offset} are left`);
    at = offset + BLOCK * Math.ceil(size / BLOCK);
    if (isExtension) {
      if (size > longestExtension || ++extensions > mostExtensions)
        throw damaged(
          `an extended header of ${size} bytes, the ${extensions}. in a row, at byte ${offset - BLOCK}`,
        );
      const content = await window.bytes(offset, size);
      said = parsed(
        () => heard(said, header, content),
        (why) => damaged(`at byte ${offset}: ${why}`),
      );
      continue;
    }
    if (isMember(header.kind) && !said.isSparse) {
      yield {
        name: said.name ?? header.name,
        type: header.kind,
        linkname: said.linkname ?? header.linkname,
        offset,
        size,
        content: () => window.bytes(offset, size),
      };
    }
    said = nothingSaid;
    extensions = 0;
  }
}

/** What extended headers say of the next member. */
interface Said {
  readonly name?: string;
  readonly linkname?: string;
  readonly size?: number;
  /** Its content is stored in parts, and is not what lies there. */
  readonly isSparse: boolean;
}

const nothingSaid: Said = { isSparse: false };

function heard(said: Said, { kind }: TarHeader, content: Buffer): Said {
  if (kind === "gnu-long-name") return { ...said, name: textIn(content) };
  if (kind === "gnu-long-link") return { ...said, linkname: textIn(content) };
  if (kind !== "pax") return said;
  const fields = readPax(content);
  const size = fields.get("size");
  if (size !== undefined && !/^\d{1,15}$/.test(size))
    throw new Error("expected a size from 0 in an extended header, got another");
  return {
    name: fields.get("path") ?? said.name,
    linkname: fields.get("linkpath") ?? said.linkname,
    size: size === undefined ? said.size : Number(size),
    isSparse: said.isSparse || [...fields.keys()].some((name) => name.startsWith("GNU.sparse")),
  };
}

function parsed<T>(work: () => T, fault: (why: string) => Error): T {
  try {
    return work();
  } catch (error) {
    throw fault(messageOf(error));
  }
}
