/**
 * Files of PyTorch's torch.save: the zip archives since version 1.6, and the older row of pickles with the numbers behind them. No code from
 * the file is run, and every size is checked against the file before anything of that size is made.
 */
import { statSync } from "node:fs";
import { type nn, scope, type Tensor } from "@salmask/torch";
import { CheckpointError, messageOf, SalmaskError } from "../../base/errors.js";
import { EntryBudget } from "./budget.js";
import { damaged, notPth } from "./fault.js";
import { BoundedFile } from "./file.js";
import { weightsHost } from "./globals.js";
import { elementBytes, materialize, numelOf } from "./materialize.js";
import { namedTensors } from "./named-tensors.js";
import { unpickle } from "./pickle.js";
import { isOf, type StorageValue, type TensorValue, type Value } from "./value.js";
import { ZipArchive } from "./zip.js";

/** Of the pickles of a file, which hold names and sizes alone. */
const mostPickled = 2 ** 25;
/** Tensors may share numbers, but not so often that a small file fills the memory. */
const mostGrowth = 4;
const spare = 2 ** 20;
/**
 * A whole pickle of the number 0x1950a86a20f9469cfc6c. Files of the older format begin with it, after the pickle's protocol. The protocol alone
 * does not tell them from safetensors files, which begin with the length of their header.
 */
const legacyMagic = Buffer.from("8a0a6cfc9c46f9206aa850192e", "hex");
const legacyProtocol = 1001;
/** Of the opcode FRAME, which is before the number since protocol 4. */
const frameBytes = 9;

/** The bytes of the storages in a file. */
type StorageReader = (storage: StorageValue) => Uint8Array;

/** Whether there is a file that begins as those of torch.save do. */
export function isPth(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  using file = new BoundedFile(path);
  return kindOf(file) !== null;
}

/**
 * All tensors of a file of torch.save, by their names: keys of dictionaries within dictionaries, joined by dots. Throws
 * {@link CheckpointError}: `not-a-pth`; `foreign-class` with the name of what only Python could make; `damaged-pth`, also for files that
 * are made to do harm; `no-tensors`. The tensors belong to the caller's scope.
 */
export function readPth(path: string): nn.StateDict {
  using file = new BoundedFile(path);
  const kind = kindOf(file);
  if (kind === null) throw notPth(path, "a file that begins otherwise");
  try {
    const { value, bytesOf } = kind === "zip" ? openZip(file) : openLegacy(file);
    const tensors = namedTensors(value);
    if (tensors.size === 0) {
      throw new CheckpointError("no-tensors", `Expected a dictionary of tensors in ${path}, got none.`);
    }
    refuseGrowth([...tensors.values()], file.size);
    return scope(() => readTensors(tensors, bytesOf));
  } catch (error) {
    if (error instanceof SalmaskError) throw error;
    throw damaged(`what cannot be read: ${messageOf(error)}`, error);
  }
}

function kindOf(file: BoundedFile): "zip" | "legacy" | null {
  if (file.size < 4) return null;
  const head = file.read(0, Math.min(file.size, 2 + frameBytes + legacyMagic.length));
  if (head.readUInt32LE() === 0x04034b50) return "zip";
  const [opcode, protocol] = head;
  if (opcode !== 0x80 || protocol < 2 || protocol > 5) return null;
  const begin = protocol >= 4 && head[2] === 0x95 ? 2 + frameBytes : 2;
  return legacyMagic.equals(head.subarray(begin, begin + legacyMagic.length)) ? "legacy" : null;
}

interface Opened {
  readonly value: Value;
  readonly bytesOf: StorageReader;
}

function openZip(file: BoundedFile): Opened {
  const archive = ZipArchive.open(file);
  const pickles = archive.names.filter((name) => /^([^/]+[/])?data[.]pkl$/.test(name));
  if (pickles.length !== 1) throw damaged(`${pickles.length} files data.pkl in the archive`);
  const root = pickles[0].slice(0, -"data.pkl".length);
  const order = `${root}byteorder`;
  if (archive.sizeOf(order) === 3) throw damaged("numbers with the largest byte first");
  if ((archive.sizeOf(pickles[0]) ?? 0) > mostPickled)
    throw damaged("a data.pkl that is larger than weights need");
  const storages = new Map<string, StorageValue>();
  const budget = new EntryBudget();
  const host = weightsHost((storage) => refuseOtherSize(storages, storage), budget);
  const { value } = unpickle({ bytes: archive.read(pickles[0]), start: 0, host, budget });
  const bytesOf = ({ key, dtype, numel }: StorageValue) => {
    const name = `${root}data/${key}`;
    const expected = numel * elementBytes(dtype);
    const size = archive.sizeOf(name);
    if (size !== expected) throw damaged(`${size ?? "no"} bytes of numbers where ${expected} are said to be`);
    return archive.read(name);
  };
  return { value, bytesOf };
}

/** A storage has one size and one type, however often it is named. */
function refuseOtherSize(storages: Map<string, StorageValue>, storage: StorageValue): void {
  const before = storages.get(storage.key);
  storages.set(storage.key, storage);
  if (before !== undefined && (before.numel !== storage.numel || before.dtype !== storage.dtype))
    throw damaged("a storage of two sizes");
}

function openLegacy(file: BoundedFile): Opened {
  const bytes = file.read(0, Math.min(file.size, mostPickled));
  const storages = new Map<string, StorageValue>();
  const budget = new EntryBudget();
  const host = weightsHost((storage) => refuseOtherSize(storages, storage), budget);
  let at = 0;
  const next = (): Value => {
    const { value, end } = unpickle({ bytes, start: at, host, budget });
    at = end;
    return value;
  };
  next(); // The number by which the file was recognised.
  if (next() !== legacyProtocol) throw damaged("another version of the format");
  refuseOtherMachine(next());
  const value = next();
  const keys = next();
  if (!isOf(keys, "list")) throw damaged("no list of storages");
  const places = new Map<string, number>();
  for (const key of keys.items) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined || places.has(storage.key)) throw damaged("a storage that nothing uses");
    if (file.read(at, 8).readBigInt64LE() !== BigInt(storage.numel)) throw damaged("a storage of two sizes");
    places.set(storage.key, at + 8);
    at += 8 + storage.numel * elementBytes(storage.dtype);
  }
  if (at !== file.size) throw damaged(`numbers up to byte ${at} in a file of ${file.size}`);
  const bytesOf = ({ key, dtype, numel }: StorageValue) => {
    const place = places.get(key);
    if (place === undefined) throw damaged("a storage without numbers");
    return file.read(place, numel * elementBytes(dtype));
  };
  return { value, bytesOf };
}

function refuseOtherMachine(info: Value): void {
  const entries = isOf(info, "dict") ? info.entries : [];
  if (entries.some(([key, value]) => key === "little_endian" && value === false))
    throw damaged("numbers with the largest byte first");
}

/** Throws CheckpointError `damaged-pth` where the tensors are much larger together than the file. */
function refuseGrowth(tensors: readonly TensorValue[], fileSize: number): void {
  const bytes = tensors.reduce(
    (sum, tensor) => sum + numelOf(tensor) * elementBytes(tensor.storage.dtype),
    0,
  );
  if (!(bytes <= mostGrowth * fileSize + spare))
    throw damaged(`tensors of ${bytes} bytes in a file of ${fileSize}`);
}

/** Each storage's bytes are held once, while its tensors are made. */
function readTensors(tensors: ReadonlyMap<string, TensorValue>, bytesOf: StorageReader): nn.StateDict {
  const byStorage = new Map<string, [string, TensorValue][]>();
  for (const [name, tensor] of tensors) {
    const { key } = tensor.storage;
    const sharing = byStorage.get(key);
    if (sharing === undefined) byStorage.set(key, [[name, tensor]]);
    else sharing.push([name, tensor]);
  }
  const read = new Map<string, Tensor>();
  for (const sharing of byStorage.values()) {
    const bytes = bytesOf(sharing[0][1].storage);
    for (const [name, tensor] of sharing) read.set(name, materialize(tensor, bytes));
  }
  return Object.fromEntries([...tensors.keys()].map((name) => [name, read.get(name)!]));
}
