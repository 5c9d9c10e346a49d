/**
 * A simulated GPU. libtorch computes on the CPU, but every tensor is recorded as being on `cpu` or on `cuda:0`. An
 * operator that gets tensors of both fails as it would with CUDA, and everything that would make the host wait for the
 * device is recorded. Weights keep the contiguous layout, because in another layout their norms would be rounded
 * differently; so all numbers are bit for bit those of the CPU. Tests use it to check on which device each tensor is.
 */
import { memoryFormatCode } from "../../src/dtype.js";
import { type Native, type NativeArgument, native, type TypedArray } from "../../src/native.js";

const ghostName = "cuda:0";
const rowByRow = memoryFormatCode("contiguous");

type Kind = "tensors" | "device" | "generator" | "other";

interface Parameter {
  name: string;
  kind: Kind;
}

interface Schema {
  name: string;
  parameters: Parameter[];
  givesTensors: boolean;
}

/** Splits at commas outside brackets. */
function splitTop(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const c of text) {
    if ("([".includes(c)) depth++;
    if (")]".includes(c)) depth--;
    if (c === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "" && part !== "*");
}

function parseSchema(text: string): Schema {
  const open = text.indexOf("(");
  const arrow = text.lastIndexOf(" -> ");
  const parameters = splitTop(text.slice(open + 1, arrow - 1)).map((declaration): Parameter => {
    const [before] = declaration.split("=");
    const name = before.slice(before.lastIndexOf(" ") + 1);
    const kinds: [string, Kind][] = [
      ["Tensor", "tensors"],
      ["Device", "device"],
      ["Generator", "generator"],
    ];
    return { name, kind: kinds.find(([type]) => declaration.startsWith(type))?.[1] ?? "other" };
  });
  return { name: text.slice(0, open), parameters, givesTensors: text.slice(arrow).includes("Tensor") };
}

const isHandle = (value: unknown): value is number => typeof value === "number";

/** The handles in an argument that is a tensor, null, or a list of tensors. */
function handlesIn(argument: NativeArgument): number[] {
  if (isHandle(argument)) return [argument];
  return Array.isArray(argument) ? argument.filter(isHandle) : [];
}

/** Operators that make the host wait for CUDA's result. */
const waiting = new Set(["aten::linalg_svdvals", "aten::nonzero", "aten::masked_select"]);

export class GhostGpu {
  /** The names of operators that made the host wait, since the list was last emptied. */
  waits: string[] = [];
  private readonly there = new Set<number>();
  private readonly pinned = new Set<number>();
  private readonly generators = new Set<number>();
  private readonly schemas = new Map<number, Schema>();
  private readonly real: Native = { ...native };

  private constructor() {}

  /** Runs `fn` on a machine with a simulated GPU. */
  static async during<T>(fn: (gpu: GhostGpu) => T | Promise<T>): Promise<T> {
    native.version(); // loads libtorch now; later, loading would replace the functions below
    const gpu = new GhostGpu();
    Object.assign(native, gpu.replacements());
    try {
      return await fn(gpu);
    } finally {
      Object.assign(native, gpu.real);
    }
  }

  private replacements(): Partial<Native> {
    const { real, there } = this;
    const reads = (what: string, tensor: number) => {
      if (there.has(tensor)) this.waits.push(what);
    };
    return {
      hasCuda: () => true,
      device: (tensor) => (there.has(tensor) ? ghostName : real.device(tensor)),
      setAutocast: (_, on, type) => real.setAutocast("cpu", on, type),
      setDeterministic: () => {}, // a CPU is, and its operators would become others
      fromBytes: (data: TypedArray, shape, type, device) =>
        this.put(real.fromBytes(data, shape, type, "cpu"), device === ghostName),
      item: (tensor) => {
        reads("item", tensor);
        return real.item(tensor);
      },
      toBytes: (tensor, into) => {
        reads("toBytes", tensor);
        real.toBytes(tensor, into);
      },
      grad: (tensor) => {
        const gradient = real.grad(tensor);
        return gradient === undefined ? undefined : this.put(gradient, there.has(tensor));
      },
      release: (tensor) => {
        there.delete(tensor);
        this.pinned.delete(tensor);
        real.release(tensor);
      },
      makeGenerator: (device, seed) => {
        const generator = real.makeGenerator("cpu", seed);
        if (device === ghostName) this.generators.add(generator);
        return generator;
      },
      releaseGenerator: (generator) => {
        this.generators.delete(generator);
        real.releaseGenerator(generator);
      },
      call: (operator, ...args) => this.call(operator, args),
    };
  }

  /** Records the device of a new tensor. Returns the tensor. */
  private put(tensor: number, isThere: boolean): number {
    if (isThere) this.there.add(tensor);
    return tensor;
  }

  private schemaOf(operator: number): Schema {
    const known = this.schemas.get(operator);
    if (known !== undefined) return known;
    const parsed = parseSchema(this.real.operatorSchema(operator));
    this.schemas.set(operator, parsed);
    return parsed;
  }

  private call(operator: number, args: NativeArgument[]): unknown {
    const { name, parameters, givesTensors } = this.schemaOf(operator);
    const given = (kind: Kind) => args.filter((_, i) => parameters[i].kind === kind);
    const argument = (of: string) => args[parameters.findIndex((parameter) => parameter.name === of)];
    const tensors = given("tensors").flatMap(handlesIn);
    const [device] = given("device");
    const isThere =
      typeof device === "string" ? device === ghostName : tensors.some((tensor) => this.there.has(tensor));

    if (name === "aten::pin_memory") {
      const clone = this.real.call(this.real.findOperator("aten::clone", ""), tensors[0]);
      if (!isHandle(clone)) throw new Error("expected a clone of the tensor to pin");
      this.pinned.add(clone);
      return clone;
    }
    if (name === "aten::_to_copy") this.transfer(name, tensors[0], isThere, argument);
    else if (name === "aten::copy_") this.transfer(name, tensors[1], this.there.has(tensors[0]), argument);
    else if (name !== "aten::set_data") this.expectTogether(name, tensors, given("generator"), isThere);
    if (waiting.has(name) && isThere) this.waits.push(name);

    const onHost = args.map((value, i) => {
      if (parameters[i].kind === "device" && value === ghostName) return "cpu";
      const isLayout = parameters[i].name === "memory_format" && value !== undefined;
      return isLayout && name === "aten::_to_copy" ? rowByRow : value;
    });
    const result = this.real.call(operator, ...onHost);
    if (name === "aten::set_data") {
      if (this.there.has(tensors[1])) this.there.add(tensors[0]);
      else this.there.delete(tensors[0]);
    } else if (givesTensors)
      for (const tensor of Array.isArray(result) ? result : [result]) {
        if (isHandle(tensor)) this.put(tensor, isThere);
      }
    return result;
  }

  /** Records a copy between host and device as a wait, unless it is queued. */
  private transfer(
    name: string,
    source: number,
    toThere: boolean,
    argument: (name: string) => NativeArgument,
  ): void {
    if (this.there.has(source) === toThere) return;
    const isQueued =
      toThere &&
      this.pinned.has(source) &&
      argument("non_blocking") === true &&
      (argument("dtype") ?? null) === null;
    if (!isQueued) this.waits.push(`${name} to ${toThere ? ghostName : "cpu"}`);
  }

  /** Throws for everything that CUDA rejects. A tensor without dimensions may be on the host. */
  private expectTogether(
    name: string,
    tensors: readonly number[],
    generators: readonly NativeArgument[],
    isThere: boolean,
  ): void {
    if (!isThere) {
      if (generators.some((generator) => isHandle(generator) && this.generators.has(generator)))
        throw new Error(`${name}: expected a generator of the CPU, got one of ${ghostName}`);
      return;
    }
    const apart = tensors.filter((tensor) => !this.there.has(tensor) && this.real.shape(tensor).length > 0);
    if (apart.length > 0) {
      const shapes = apart.map((tensor) => `[${this.real.shape(tensor).join(", ")}]`).join(" ");
      throw new Error(`${name}: expected all tensors on ${ghostName}, but on the CPU is ${shapes}`);
    }
    if (generators.some((generator) => isHandle(generator) && !this.generators.has(generator)))
      throw new Error(`${name}: expected a generator of ${ghostName}, got one of the CPU`);
  }
}
