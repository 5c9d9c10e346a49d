/** Recognises shards by what a user gives as photos. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { DataError, UsageError } from "../../base/errors.js";
import { photosOfSet } from "../sets/registry.js";
import { byCodeUnits, isImageName } from "../sources/names.js";
import { expandBraces, hasBraces } from "./braces.js";
import { shownAddress } from "./http-shard.js";

/** Which shards there are. */
export interface FoundShards {
  /** As a run names its photos: the folder's or the list's absolute path, or the text with braces. */
  readonly path: string;
  /** Absolute paths and addresses, in the order in which photos are counted. */
  readonly addresses: readonly string[];
}

const isWeb = (text: string) => /^https?:\/\//i.test(text);
const longestList = 2 ** 26;

/**
 * The shards that a text means: a folder that has `.tar` files and no photos or folders beside them; paths or addresses with braces,
 * such as `https://host/train-{000..099}.tar`; an address of one `.tar`; a `.txt` with a path or an address a line. Null where the
 * text means something else. Throws a {@link UsageError} `bad-shards`, a {@link DataError} `unreadable-source`.
 */
export async function findShards(text: string): Promise<FoundShards | null> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined && !isWeb(text)) {
    throw new UsageError(
      "bad-shards",
      `Expected shards behind http: or https:, or on this machine, got ${scheme}:.`,
    );
  }
  if (isWeb(text)) return found(shownAddress(text), expandBraces(text));
  const status = await stat(resolve(text)).catch(() => null);
  if (status?.isDirectory()) return inFolder(resolve(text));
  if (status?.isFile() && text.toLowerCase().endsWith(".txt")) return inList(resolve(text), status.size);
  if (status !== null || !hasBraces(text)) return null;
  return found(
    resolve(text),
    expandBraces(text).map((path) => resolve(path)),
  );
}

async function inFolder(folder: string): Promise<FoundShards | null> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const shown = entries.filter(({ name }) => !name.startsWith("."));
  const names = shown.map(({ name }) => name);
  const shards = names.filter((name) => name.toLowerCase().endsWith(".tar")).sort(byCodeUnits);
  const isOther = shown.some((entry) => entry.isDirectory()) || names.some(isImageName);
  if (shards.length === 0 || isOther || (await photosOfSet(folder)) !== undefined) return null;
  return found(
    folder,
    shards.map((name) => resolve(folder, name)),
  );
}

/** A text file is a list of shards where its first line names one. Paths are relative to the list's folder. */
async function inList(path: string, size: number): Promise<FoundShards | null> {
  if (size > longestList) throw bad(path, `a list of ${size} bytes`);
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw new DataError("unreadable-source", `Expected a list of shards at ${path}, got: ${error.message}.`);
  });
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (!/\.tar\b/i.test(lines[0] ?? "")) return null;
  const folder = dirname(path);
  const addresses = lines.flatMap(expandBraces);
  return found(
    path,
    addresses.map((line) => (isWeb(line) ? line : resolve(folder, line))),
  );
}

const bad = (path: string, got: string) =>
  new UsageError("bad-shards", `Expected paths or addresses of .tar files from ${path}, got ${got}.`);

function found(path: string, addresses: readonly string[]): FoundShards {
  if (addresses.length === 0) throw bad(path, "none");
  const seen = new Set<string>();
  for (const address of addresses) {
    const shown = shownAddress(address).slice(0, 200);
    if (isWeb(address)) checkUrl(address);
    const isTar = basename(isWeb(address) ? new URL(address).pathname : address)
      .toLowerCase()
      .endsWith(".tar");
    if (!isTar) {
      const unpacked = /\.(tar\.\w+|tgz)$/i.test(shown)
        ? " Unpack it to .tar: parts of a packed one cannot be read."
        : "";
      throw bad(path, `${shown}.${unpacked}`);
    }
    if (seen.has(address)) throw bad(path, `${shown} twice`);
    seen.add(address);
  }
  return { path, addresses };
}

function checkUrl(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) throw bad(shownAddress(address), "an address that is none");
  if (url.username !== "" || url.password !== "")
    throw bad(
      `${url.protocol}//${url.host}`,
      "an address with a password in it, which would be shown in logs",
    );
}
