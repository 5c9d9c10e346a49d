/** A state dict as PyTorch pickles it: Python's pickle protocol 2, with the numbers of the tensors elsewhere. */
import type { DType } from "@salmask/torch";

/** A tensor whose numbers are in row-major order under its place in the list. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Opcodes of Python's `pickletools`. */
const op = {
  protocol: 0x80,
  mark: 0x28,
  stop: 0x2e,
  global: 0x63,
  reduce: 0x52,
  tuple: 0x74,
  emptyTuple: 0x29,
  int: 0x4a,
  text: 0x58,
  persistentId: 0x51,
  false: 0x89,
  setItems: 0x75,
} as const;

const storages: Partial<Record<DType, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  int64: "LongStorage",
};

class Pickle {
  readonly #parts: Buffer[] = [];

  add(...opcodes: number[]): this {
    this.#parts.push(Buffer.from(opcodes));
    return this;
  }

  global(module: string, name: string): this {
    return this.add(op.global).#bytes(Buffer.from(`${module}\n${name}\n`));
  }

  text(value: string): this {
    const bytes = Buffer.from(value);
    return this.add(op.text).#number(bytes.length).#bytes(bytes);
  }

  int(value: number): this {
    return this.add(op.int).#number(value);
  }

  ints(values: readonly number[]): this {
    this.add(op.mark);
    for (const value of values) this.int(value);
    return this.add(op.tuple);
  }

  orderedDict(): this {
    return this.global("collections", "OrderedDict").add(op.emptyTuple, op.reduce);
  }

  #number(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return this.#bytes(bytes);
  }

  #bytes(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, side) => product * side, 1));
}

/** An `OrderedDict` of tensors. The numbers of each are the storage that is named as its place in the list. */
export function pickledStateDict(tensors: readonly StoredTensor[]): Uint8Array {
  const pickle = new Pickle().add(op.protocol, 2).orderedDict().add(op.mark);
  for (const [i, { name, dtype, shape }] of tensors.entries()) {
    const storage = storages[dtype];
    if (storage === undefined)
      throw new RangeError(`Expected float32, float64 or int64 of ${name}, got ${dtype}.`);
    const numel = shape.reduce((product, side) => product * side, 1);
    pickle.text(name).global("torch._utils", "_rebuild_tensor_v2").add(op.mark);
    pickle.add(op.mark).text("storage").global("torch", storage).text(String(i)).text("cpu").int(numel);
    pickle.add(op.tuple, op.persistentId);
    // The tensor begins at the storage's first number; it needs no gradient and has no hooks.
    pickle.int(0).ints(shape).ints(stridesOf(shape)).add(op.false).orderedDict();
    pickle.add(op.tuple, op.reduce);
  }
  return pickle.add(op.setItems, op.stop).toBytes();
}
