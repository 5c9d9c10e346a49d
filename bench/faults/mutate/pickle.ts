/** Writes Python pickles (protocol 2) opcode by opcode, sound ones and hostile ones. */

/** An opcode with its operand, or several. */
export type Pickled = Buffer;

const latin1 = (text: string) => Buffer.from(text, "latin1");
const joined = (...parts: readonly Pickled[]) => Buffer.concat(parts);

export const none = latin1("N");
export const no = latin1("\x89");
export const emptyTuple = latin1(")");
export const emptyList = latin1("]");
export const emptyDict = latin1("}");

/** BININT, or LONG1 for what does not fit in 32 bits. */
export function int(value: number | bigint): Pickled {
  const fits = BigInt(value) >= -(2n ** 31n) && BigInt(value) < 2n ** 31n;
  const bytes = Buffer.alloc(fits ? 5 : 18);
  if (fits) {
    bytes.write("J", "latin1");
    bytes.writeInt32LE(Number(value), 1);
    return bytes;
  }
  bytes.set([0x8a, 16]);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 2);
  bytes.writeBigInt64LE(BigInt(value) >> 64n, 10);
  return bytes;
}

/** BINUNICODE; a `length` that is not the text's can be declared. */
export function text(value: string, length = Buffer.byteLength(value)): Pickled {
  const head = Buffer.alloc(5);
  head.write("X", "latin1");
  head.writeUInt32LE(length, 1);
  return joined(head, Buffer.from(value));
}

export const global = (module: string, name: string): Pickled => Buffer.from(`c${module}\n${name}\n`);
export const tuple = (...items: readonly Pickled[]): Pickled => joined(latin1("("), ...items, latin1("t"));
export const list = (...items: readonly Pickled[]): Pickled => joined(latin1("]("), ...items, latin1("e"));
export const reduce = (callable: Pickled, args: Pickled): Pickled => joined(callable, args, latin1("R"));
/** NEWOBJ: the class is made with `__new__`. */
export const newObject = (cls: Pickled, args: Pickled): Pickled => joined(cls, args, latin1("\x81"));
/** BUILD: sets the state of an object. */
export const build = (object: Pickled, state: Pickled): Pickled => joined(object, state, latin1("b"));
export const persistent = (id: Pickled): Pickled => joined(id, latin1("Q"));
export const withItems = (dict: Pickled, pairs: readonly (readonly [Pickled, Pickled])[]): Pickled =>
  joined(dict, latin1("("), ...pairs.flat(), latin1("u"));
export const pickle = (value: Pickled): Buffer => joined(latin1("\x80\x02"), value, latin1("."));
export const orderedDict = reduce(global("collections", "OrderedDict"), emptyTuple);
