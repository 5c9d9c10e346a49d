/** Files of PyTorch (`.pth`) around a pickle, in its zip format and in the one of before 1.6. */
import {
  emptyDict,
  global,
  int,
  list,
  no,
  none,
  orderedDict,
  type Pickled,
  persistent,
  pickle,
  reduce,
  text,
  tuple,
  withItems,
} from "./pickle.js";
import { type ZipFile, zipOf } from "./zip.js";

interface Storage {
  readonly key?: string;
  readonly type?: Pickled;
  /** Elements that it is said to have. */
  readonly elements?: number | bigint;
}

interface TensorOf {
  readonly storage?: Storage;
  readonly offset?: number | bigint;
  readonly size?: readonly (number | bigint)[];
  readonly stride?: readonly (number | bigint)[];
}

/** The zip format, or the one of before PyTorch 1.6. */
export type Format = "zip" | "legacy";

/** Elements of each storage in the file, float32. */
export const elements = 12;

function storageId(
  { key = "0", type = global("torch", "FloatStorage"), elements: said = elements }: Storage,
  format: Format,
) {
  const id = [text("storage"), type, text(key), text("cpu"), int(said)];
  return persistent(tuple(...id, ...(format === "legacy" ? [none] : [])));
}

/** A tensor as `torch.save` pickles it, a view of one of the storages. */
export function tensorOf(
  format: Format,
  { storage = {}, offset = 0, size = [3, 4], stride = [4, 1] }: TensorOf = {},
): Pickled {
  const shape = (sides: readonly (number | bigint)[]) => tuple(...sides.map(int));
  const args = tuple(storageId(storage, format), int(offset), shape(size), shape(stride), no, orderedDict);
  return reduce(global("torch._utils", "_rebuild_tensor_v2"), args);
}

/** A state dict of these tensors. */
export const state = (...tensors: readonly Pickled[]) =>
  withItems(
    orderedDict,
    tensors.map((value, i) => [text(`layer${i}.weight`), value] as const),
  );

/** A file whose object is this pickle, with storages of floats under the keys 0 and 1. */
export function pthOf(format: Format, object: Pickled, more: readonly ZipFile[] = []): Buffer {
  const data = Buffer.from(Float32Array.from({ length: elements }, (_, i) => i).buffer);
  if (format === "zip") {
    return zipOf([
      { name: "archive/data.pkl", bytes: pickle(object) },
      { name: "archive/data/0", bytes: data },
      { name: "archive/data/1", bytes: data },
      { name: "archive/version", bytes: Buffer.from("3\n") },
      ...more,
    ]);
  }
  const system = withItems(emptyDict, [
    [text("protocol_version"), int(1001)],
    [text("little_endian"), Buffer.of(0x88)],
    [text("type_sizes"), withItems(emptyDict, [[text("int"), int(4)]])],
  ]);
  const count = Buffer.alloc(8);
  count.writeBigInt64LE(BigInt(elements));
  const magic = pickle(int(0x1950a86a20f9469cfc6cn));
  const keys = pickle(list(text("0"), text("1")));
  return Buffer.concat([
    magic,
    pickle(int(1001)),
    pickle(system),
    pickle(object),
    keys,
    count,
    data,
    count,
    data,
  ]);
}
