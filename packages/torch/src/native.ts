import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

/** The addon's functions. Tensors and generators are passed as integer handles; `native/handles.h` says why. */
export interface Native {
  findOperator(name: string, overload: string): number;
  call(operator: number, ...args: NativeArgument[]): unknown;
  operatorSchema(operator: number): string;
  operatorNames(): string[];
  loadLibrary(path: string): void;
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
  returnFreedMemory(): void;
  setDeterministic(on: boolean): void;
  checkOneDnn(bound: number): OneDnn;
  hasCuda(): boolean;
  version(): string;
  storeCreate(host: string, port: number, isServer: boolean, worldSize: number, timeout: number): number;
  storePort(store: number): number;
  storeSet(store: number, key: string, value: string, limit: number): void;
  storeGet(store: number, key: string, limit: number): string;
  storeAdd(store: number, key: string, n: number, limit: number): number;
  storeCheck(store: number, keys: readonly string[], wait: number, limit: number): boolean;
  storeRelease(store: number): void;
  groupCreate(
    backend: string,
    store: number,
    holdsStore: boolean,
    rank: number,
    worldSize: number,
    timeout: number,
    name: string,
  ): number;
  groupNumber(group: number): number;
  groupAllReduce(group: number, tensor: number, op: number): void;
  groupAllGather(group: number, tensor: number): number;
  groupBroadcast(group: number, tensor: number, source: number): void;
  groupBarrier(group: number): void;
  groupTraffic(group: number): number[];
  groupHasFailed(group: number): boolean;
  groupMark(group: number, rank: number): string;
  groupMissing(group: number): string;
  groupRelease(group: number): void;
  allReduceSum(tensor: number, groupNumber: number): number;
  allGatherCat(tensor: number, groupNumber: number): number;
  reducerCreate(
    parameters: readonly number[],
    names: readonly string[],
    group: number,
    firstBucketBytes: number,
    bucketBytes: number,
  ): number;
  reducerPrepare(reducer: number): void;
  reducerReduce(reducer: number): void;
  reducerRelease(reducer: number): void;
}

/** What was found of libtorch's oneDNN: its convolutions are right here, or wrong and so it is off, or there is none. */
export type OneDnn = "right" | "wrong" | "absent";

/** What an operator takes: tensors and generators as their handles. */
export type NativeArgument = number | boolean | string | null | undefined | readonly NativeArgument[];
/** The arrays that tensors are made from and read into. */
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

/** The addon or its libtorch is missing, or libtorch is not the one that the addon was built against. */
export class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EngineError";
    this.code = code;
  }
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// The build with sanitizers is in a separate folder.
const build = process.env.SALMASK_TORCH_BUILD ?? join(root, "build");

/** How the addon is built. A clone of the repository has a script that also installs what the build needs. */
export function mend(): string {
  const isClone = existsSync(join(root, "../../scripts/setup.mjs"));
  return `Run: ${isClone ? "npm run setup" : "npx --no-install salmask-torch-build"}`;
}

/** What the addon was built against: libtorch's version, where it was found, and its folder of libraries. */
export interface BuildInfo {
  version: string;
  source: string;
  lib: string;
}

/** Reads the file that the build wrote; loads nothing. Throws {@link EngineError} `not-built` if there is no build. */
export function buildInfo(): BuildInfo {
  const path = join(build, "libtorch.json");
  if (!existsSync(path)) {
    throw new EngineError("not-built", `Expected the built addon in ${build}, got no such build. ${mend()}`);
  }
  const stamp: unknown = JSON.parse(readFileSync(path, "utf8"));
  const text = (key: string) => {
    const value = typeof stamp === "object" && stamp !== null ? Reflect.get(stamp, key) : undefined;
    return typeof value === "string" ? value : "unknown";
  };
  return { version: text("version"), source: text("source"), lib: text("lib") };
}

let isLoaded = false;
const preparations: ((addon: Native) => void)[] = [];

/** Calls `prepare` with the addon: at once if it is loaded, otherwise as soon as it is loaded. */
export function whenLoaded(prepare: (addon: Native) => void): void {
  if (isLoaded) prepare(native);
  else preparations.push(prepare);
}

/** Loads the addon, and libtorch with it. Throws {@link EngineError} `not-built` or `not-loaded`. */
function load(): Native {
  const info = buildInfo();
  let addon: Native;
  try {
    addon = createRequire(import.meta.url)(join(build, "salmask_torch.node"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      "not-loaded",
      `The addon was built against libtorch ${info.version} (${info.source}, in ${info.lib}), and loading it failed: ${why}\n` +
        `Was libtorch removed or changed to another version? ${mend()}`,
      error,
    );
  }
  addon.setNumThreads(threadsOf(process.env.OMP_NUM_THREADS) ?? availableParallelism());
  warnOfOneDnn(addon, info);
  // From now on a call goes directly to the addon's function.
  Object.assign(native, addon);
  isLoaded = true;
  for (const prepare of preparations.splice(0)) prepare(native);
  return addon;
}

/** By which oneDNN's small convolutions may differ from others, of their size. Rounding is below a hundredth of it. */
export const oneDnnBound = 1e-3;

function warnOfOneDnn(addon: Native, { version }: BuildInfo): void {
  if (addon.checkOneDnn(oneDnnBound) !== "wrong" || !isMainThread) return;
  process.emitWarning(
    `The oneDNN of libtorch ${version} gets small convolutions wrong on this processor, so it is switched off: results are right, bfloat16 is slow.`,
    { type: "EngineWarning", code: "onednn-wrong" },
  );
}

/** As many as the addon takes. */
const mostThreads = 4096;

/** As OpenMP does, passes over what is no number of threads. */
function threadsOf(text: string | undefined): number | null {
  const threads = Number(text);
  return Number.isInteger(threads) && threads >= 1 && threads <= mostThreads ? threads : null;
}

/**
 * The addon's functions. The first call loads libtorch and replaces all of these functions with those of the addon. So
 * importing this module does nothing, and later calls have no extra cost.
 */
export const native: Native = {
  findOperator: (...args) => load().findOperator(...args),
  call: (...args) => load().call(...args),
  operatorSchema: (...args) => load().operatorSchema(...args),
  operatorNames: (...args) => load().operatorNames(...args),
  loadLibrary: (...args) => load().loadLibrary(...args),
  shape: (...args) => load().shape(...args),
  strides: (...args) => load().strides(...args),
  scalarType: (...args) => load().scalarType(...args),
  device: (...args) => load().device(...args),
  isLeaf: (...args) => load().isLeaf(...args),
  requiresGrad: (...args) => load().requiresGrad(...args),
  setRequiresGrad: (...args) => load().setRequiresGrad(...args),
  release: (...args) => load().release(...args),
  item: (...args) => load().item(...args),
  fromBytes: (...args) => load().fromBytes(...args),
  toBytes: (...args) => load().toBytes(...args),
  backward: (...args) => load().backward(...args),
  grad: (...args) => load().grad(...args),
  setGrad: (...args) => load().setGrad(...args),
  gradEnabled: (...args) => load().gradEnabled(...args),
  setGradEnabled: (...args) => load().setGradEnabled(...args),
  setAutocast: (...args) => load().setAutocast(...args),
  makeGenerator: (...args) => load().makeGenerator(...args),
  releaseGenerator: (...args) => load().releaseGenerator(...args),
  seedGenerator: (...args) => load().seedGenerator(...args),
  liveCount: () => 0, // none before libtorch is loaded
  liveBytes: () => 0, // none before libtorch is loaded
  setNumThreads: (...args) => load().setNumThreads(...args),
  getNumThreads: (...args) => load().getNumThreads(...args),
  keepFreedMemory: (...args) => load().keepFreedMemory(...args),
  returnFreedMemory: (...args) => load().returnFreedMemory(...args),
  setDeterministic: (...args) => load().setDeterministic(...args),
  checkOneDnn: (...args) => load().checkOneDnn(...args),
  hasCuda: (...args) => load().hasCuda(...args),
  version: (...args) => load().version(...args),
  storeCreate: (...args) => load().storeCreate(...args),
  storePort: (...args) => load().storePort(...args),
  storeSet: (...args) => load().storeSet(...args),
  storeGet: (...args) => load().storeGet(...args),
  storeAdd: (...args) => load().storeAdd(...args),
  storeCheck: (...args) => load().storeCheck(...args),
  storeRelease: (...args) => load().storeRelease(...args),
  groupCreate: (...args) => load().groupCreate(...args),
  groupNumber: (...args) => load().groupNumber(...args),
  groupAllReduce: (...args) => load().groupAllReduce(...args),
  groupAllGather: (...args) => load().groupAllGather(...args),
  groupBroadcast: (...args) => load().groupBroadcast(...args),
  groupBarrier: (...args) => load().groupBarrier(...args),
  groupTraffic: (...args) => load().groupTraffic(...args),
  groupHasFailed: (...args) => load().groupHasFailed(...args),
  groupMark: (...args) => load().groupMark(...args),
  groupMissing: (...args) => load().groupMissing(...args),
  groupRelease: (...args) => load().groupRelease(...args),
  allReduceSum: (...args) => load().allReduceSum(...args),
  allGatherCat: (...args) => load().allGatherCat(...args),
  reducerCreate: (...args) => load().reducerCreate(...args),
  reducerPrepare: (...args) => load().reducerPrepare(...args),
  reducerReduce: (...args) => load().reducerReduce(...args),
  reducerRelease: (...args) => load().reducerRelease(...args),
};
