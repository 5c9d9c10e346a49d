import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

/** The addon's functions. Tensors and generators cross as integer handles; see `native/handles.h` for why. */
export interface Native {
  findOperator(name: string, overload: string): number;
  call(operator: number, ...args: NativeArgument[]): unknown;
  operatorSchema(operator: number): string;
  operatorNames(): string[];
  shape(tensor: number): number[];
  strides(tensor: number): number[];
  scalarType(tensor: number): number;
  device(tensor: number): string;
  isLeaf(tensor: number): boolean;
  requiresGrad(tensor: number): boolean;
  setRequiresGrad(tensor: number, on: boolean): void;
  release(tensor: number): void;
  item(tensor: number): number;
  fromBytes(data: TypedArray, shape: readonly number[], scalarType: number, device: string): number;
  toBytes(tensor: number, into: TypedArray): void;
  backward(tensor: number, gradient: number | null, retainGraph: boolean): void;
  grad(tensor: number): number | undefined;
  setGrad(tensor: number, gradient: number | null): void;
  gradEnabled(): boolean;
  setGradEnabled(on: boolean): void;
  setAutocast(device: string, on: boolean, scalarType: number): void;
  makeGenerator(device: string, seed: number): number;
  releaseGenerator(generator: number): void;
  seedGenerator(generator: number, seed: number): void;
  liveCount(): number;
  liveBytes(): number;
  setNumThreads(threads: number): void;
  getNumThreads(): number;
  keepFreedMemory(): void;
  setCudnnBenchmark(on: boolean): void;
  hasCuda(): boolean;
  version(): string;
}

export type NativeArgument = number | boolean | string | null | undefined | readonly NativeArgument[];
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array;

/** The addon or its libtorch is missing, or is not the one that was built against. */
export class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EngineError";
    this.code = code;
  }
}

const build = join(dirname(dirname(fileURLToPath(import.meta.url))), "build");
const mend = "Run: node packages/torch/scripts/build.mjs (or npm run setup)";

/** What the addon was built against: libtorch's version, where it was found, its folder of libraries. */
export interface BuildInfo {
  version: string;
  source: string;
  lib: string;
}

/** Reads the stamp that the build left. Throws {@link EngineError} `not-built` where there is none. */
export function buildInfo(): BuildInfo {
  const path = join(build, "libtorch.json");
  if (!existsSync(path)) {
    throw new EngineError("not-built", `Expected the built addon in ${build}, but it is not there. ${mend}`);
  }
  const stamp: unknown = JSON.parse(readFileSync(path, "utf8"));
  const text = (key: string) => {
    const value = typeof stamp === "object" && stamp !== null ? Reflect.get(stamp, key) : undefined;
    return typeof value === "string" ? value : "unknown";
  };
  return { version: text("version"), source: text("source"), lib: text("lib") };
}

function load(): Native {
  const info = buildInfo();
  // libtorch's threads wait for each other by spinning. Long spins stall a step when anything else uses a core; sleeping
  // at once took 2.8 times as long on a quiet machine (a narrow ResNet's forward pass). This is between the two.
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= "4000";
  try {
    const loaded: Native = createRequire(import.meta.url)(join(build, "salmask_torch.node"));
    loaded.setNumThreads(Number(process.env.OMP_NUM_THREADS) || availableParallelism());
    loaded.keepFreedMemory();
    // Memory that V8's compiling threads free would be kept as well, each thread's for itself alone: a process grew by
    // 2 to 6 % over its first 1,000 training steps. Compiled on this thread, the code takes what tensors left.
    setFlagsFromString("--no-concurrent-recompilation");
    return loaded;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      "not-loaded",
      `The addon was built against libtorch ${info.version} (${info.source}, in ${info.lib}), and loading it failed: ${why}\n` +
        `Was libtorch removed or changed to another version? ${mend}`,
      error,
    );
  }
}

export const native: Native = load();
