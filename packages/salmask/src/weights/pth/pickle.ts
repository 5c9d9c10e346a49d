/**
 * Python's pickle format (PEP 307, PEP 3154; the opcodes are documented in CPython's pickletools), as far as weights need it. Reading
 * runs nothing from the file: a name of Python's becomes a value only if the host knows it.
 */
import type { EntryBudget } from "./budget.js";
import { damaged } from "./fault.js";
import { isOf, type Value } from "./value.js";

/** What the names, calls and references in a pickle mean. Each throws where it does not know one. */
export interface PickleHost {
  global(name: string): Value;
  call(callee: Value, args: readonly Value[]): Value;
  persistent(id: Value): Value;
}

/** A pickle of a large network's weights has some ten thousand. */
const mostOpcodes = 2_000_000;
/** Marks that are open at a time: the depth to which tuples and lists are nested as they are made. */
const mostMarks = 1000;
const longestName = 500;

/** Where a pickle lies, and what reads it. */
export interface Pickle {
  readonly bytes: Buffer;
  /** First byte of the pickle. */
  readonly start: number;
  readonly host: PickleHost;
  /** Pickles of one file share it. */
  readonly budget: EntryBudget;
}

/** Reads one pickle; `end` is the byte after it. Throws CheckpointError `damaged-pth`, and what the host throws. */
export function unpickle(pickle: Pickle): { value: Value; end: number } {
  return new Machine(pickle).run();
}

class Machine {
  private readonly stack: Value[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Value>();
  private readonly bytes: Buffer;
  private readonly host: PickleHost;
  private readonly budget: EntryBudget;
  private at: number;

  constructor({ bytes, start, host, budget }: Pickle) {
    this.bytes = bytes;
    this.at = start;
    this.host = host;
    this.budget = budget;
  }

  run(): { value: Value; end: number } {
    for (let count = 0; count < mostOpcodes; count++) {
      const opcode = this.take(1)[0];
      if (opcode === 0x2e) return { value: this.pop(), end: this.at };
      this.step(opcode);
    }
    throw damaged(`more than ${mostOpcodes} steps to build what the file holds`);
  }

  private take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw damaged("a pickle that ends early");
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  private pop(): Value {
    const floor = this.marks.at(-1) ?? 0;
    const value = this.stack.length > floor ? this.stack.pop() : undefined;
    if (value === undefined) throw damaged("a pickle that takes more than it has");
    return value;
  }

  /** The values since the last mark, which is removed: the items or entries of a collection. */
  private popMark(): Value[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw damaged("a pickle that takes more than it has");
    this.budget.spend(this.stack.length - mark);
    return this.stack.splice(mark);
  }

  /** The last value, which stays. */
  private get top(): Value {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  private step(opcode: number): void {
    const { stack } = this;
    switch (opcode) {
      case 0x80: // PROTO
        this.take(1);
        break;
      case 0x95: // FRAME
        this.take(8);
        break;
      case 0x28: // MARK
        if (this.marks.length >= mostMarks) throw damaged(`values nested deeper than ${mostMarks}`);
        this.marks.push(stack.length);
        break;
      case 0x30: // POP
        this.pop();
        break;
      case 0x31: // POP_MARK
        this.popMark();
        break;
      case 0x32: // DUP
        stack.push(this.top);
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(this.take(4).readInt32LE());
        break;
      case 0x4b: // BININT1
        stack.push(this.take(1)[0]);
        break;
      case 0x4d: // BININT2
        stack.push(this.take(2).readUInt16LE());
        break;
      case 0x8a: // LONG1
        stack.push(wholeNumber(this.take(this.take(1)[0])));
        break;
      case 0x47: // BINFLOAT
        stack.push(this.take(8).readDoubleBE());
        break;
      case 0x58: // BINUNICODE
        stack.push(this.take(this.take(4).readUInt32LE()).toString("utf8"));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(this.take(this.take(1)[0]).toString("utf8"));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(this.take(this.length8()).toString("utf8"));
        break;
      case 0x54: // BINSTRING, Python 2's text
        stack.push(this.take(this.take(4).readUInt32LE()).toString("latin1"));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(this.take(this.take(1)[0]).toString("latin1"));
        break;
      case 0x42: // BINBYTES
        stack.push({ kind: "bytes", bytes: this.take(this.take(4).readUInt32LE()) });
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push({ kind: "bytes", bytes: this.take(this.take(1)[0]) });
        break;
      default:
        this.stepOfContainers(opcode);
        break;
    }
  }

  private stepOfContainers(opcode: number): void {
    const { stack } = this;
    switch (opcode) {
      case 0x7d: // EMPTY_DICT
        stack.push({ kind: "dict", entries: [] });
        break;
      case 0x5d: // EMPTY_LIST
        stack.push({ kind: "list", items: [] });
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push({ kind: "tuple", items: [] });
        break;
      case 0x74: // TUPLE
        stack.push({ kind: "tuple", items: this.popMark() });
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.tuple(opcode - 0x84);
        break;
      case 0x61: // APPEND
        this.append([this.pop()]);
        break;
      case 0x65: // APPENDS
        this.append(this.popMark());
        break;
      case 0x73: {
        // SETITEM
        const value = this.pop();
        this.set([this.pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        this.set(this.popMark());
        break;
      default:
        this.stepOfReferences(opcode);
        break;
    }
  }

  private stepOfReferences(opcode: number): void {
    const { stack, host } = this;
    switch (opcode) {
      case 0x71: // BINPUT
        this.memo.set(this.take(1)[0], this.top);
        break;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.take(4).readUInt32LE(), this.top);
        break;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top);
        break;
      case 0x68: // BINGET
        stack.push(this.remembered(this.take(1)[0]));
        break;
      case 0x6a: // LONG_BINGET
        stack.push(this.remembered(this.take(4).readUInt32LE()));
        break;
      case 0x63: // GLOBAL
        stack.push(host.global(`${this.line()}.${this.line()}`));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [this.pop(), this.pop()];
        stack.push(host.global(`${namePart(module)}.${namePart(name)}`));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [args, callee] = [this.pop(), this.pop()];
        if (!isOf(args, "tuple")) throw damaged("a call without arguments");
        stack.push(host.call(callee, args.items));
        break;
      }
      case 0x62: // BUILD
        // Attributes of a dictionary, such as the versions that PyTorch keeps beside a state dict, are not needed.
        this.pop();
        if (!isOf(this.top, "dict")) throw damaged("attributes of something other than a dictionary");
        break;
      case 0x51: // BINPERSID
        stack.push(host.persistent(this.pop()));
        break;
      default:
        throw damaged(`the opcode 0x${opcode.toString(16)}, which files of weights do not have`);
    }
  }

  private length8(): number {
    const length = this.take(8).readBigUInt64LE();
    return length > BigInt(this.bytes.length) ? this.bytes.length + 1 : Number(length);
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0 || end - this.at > longestName) throw damaged("a name without an end");
    const text = this.take(end - this.at).toString("utf8");
    this.take(1);
    return text;
  }

  private remembered(index: number): Value {
    const value = this.memo.get(index);
    if (value === undefined) throw damaged("a reference to nothing");
    return value;
  }

  private tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop()).reverse();
    this.stack.push({ kind: "tuple", items });
  }

  private append(values: readonly Value[]): void {
    const list = this.top;
    if (!isOf(list, "list")) throw damaged("items of something other than a list");
    for (const value of values) list.items.push(value);
  }

  private set(values: readonly Value[]): void {
    const dict = this.top;
    if (!isOf(dict, "dict") || values.length % 2 !== 0)
      throw damaged("entries of something other than a dictionary");
    for (let i = 0; i < values.length; i += 2) dict.entries.push([values[i], values[i + 1]]);
  }
}

/** A part of a name of Python's. A long text is refused here: a pickle can refer to it many times, and each name is a new text. */
function namePart(value: Value): string {
  if (typeof value === "string" && value.length <= longestName) return value;
  throw damaged("a name that is no text, or too long for one");
}

/** Little-endian, two's complement; a number where it is one exactly. */
function wholeNumber(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0;
  const unsigned = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  const value = BigInt.asIntN(8 * bytes.length, unsigned);
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
