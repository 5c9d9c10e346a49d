/** Backbones in files of other tools: which tensors are its own, under whatever name, and what else the file holds. */
import { Generator, loadSafetensors, type nn, readSafetensorsMetadata, scope } from "@salmask/torch";
import { CheckpointError, messageOf } from "../base/errors.js";
import { listed } from "../base/faults.js";
import type { Backbone, BackboneSpec } from "../models/backbone.js";
import { createBackbone, specOf } from "../models/registry.js";
import { heads, refuseLarger, withBatchCounts } from "./files.js";
import { isPth, readPth } from "./pth/read.js";

/** Where in another tool's file the encoder is. */
export interface ImportOptions {
  /** What the backbone's names in the file begin with, such as `state_dict.module.encoder_k.`; default: found. */
  readonly prefix?: string;
}

/** An encoder that was read from another tool's file, and what of the file it did not use. */
export interface ImportedBackbone {
  /** In evaluation mode; the caller disposes of it. */
  readonly backbone: Backbone;
  /** What the backbone's names in the file begin with. */
  readonly prefix: string;
  /** Other prefixes under which the file holds a backbone. */
  readonly others: readonly string[];
  /** Beginnings of names that were not taken, with the number of tensors under each. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Of a file of ours: how its pictures were prepared. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of a prefix that is looked for: a tool's wrappers have some five. A deeper one can be given. */
const mostParts = 16;

/** Copies and what an optimizer remembers: another backbone in the same file is the one that was trained. DINO's is the teacher. */
const copies =
  /(^|[.])(encoder_k|key_encoder|momentum_encoder|target_encoder|target_network|target|key|student|optimizer)[.]/;

/**
 * Finds and reads a backbone in a file of PyTorch's torch.save, of either format, or of safetensors. Throws {@link CheckpointError}:
 * `not-a-backbone`, `missing-weights`, `unusable-weights`, and what `readPth` throws.
 */
export function importBackbone(path: string, { prefix }: ImportOptions = {}): ImportedBackbone {
  return scope(() => {
    const { state, metadata } = read(path);
    const found = prefix === undefined ? prefixesIn(state) : [prefix];
    const chosen = found.at(0);
    const spec = chosen === undefined ? null : specOf(withoutHeads(partOf(state, chosen)));
    if (chosen === undefined || spec === null) {
      throw new CheckpointError(
        "not-a-backbone",
        `Expected an encoder's weights with torchvision's names (a ResNet's: conv1.weight, layer4.1.conv2.weight, ...)${
          prefix === undefined ? "" : ` after ${prefix}`
        } in ${path}, got ${Object.keys(state).slice(0, 4).join(", ") || "no tensors"}.`,
      );
    }
    const part = partOf(state, chosen);
    const backbone = networkFor(spec, part, path);
    try {
      const own = Object.keys(backbone.stateDict());
      const whole = withBatchCounts(backbone, part);
      refuseMissing(
        path,
        own.filter((name) => whole[name] === undefined),
      );
      backbone.loadStateDict(Object.fromEntries(own.map((name) => [name, asStored(whole[name])])));
      return {
        backbone: backbone.eval().setRequiresGrad(false),
        prefix: chosen,
        others: found.slice(1),
        ignored: counted(Object.keys(state), chosen, new Set(own)),
        metadata,
      };
    } catch (error) {
      backbone.dispose();
      throw unusable(path, error);
    }
  });
}

function unusable(path: string, error: unknown): CheckpointError {
  if (error instanceof CheckpointError) return error;
  const why = messageOf(error);
  return new CheckpointError("unusable-weights", `Expected usable weights in ${path}, got: ${why}`, error);
}

/** A network for weights; a small file that names a large one is refused before that is built. */
function networkFor(spec: BackboneSpec, part: nn.StateDict, path: string): Backbone {
  try {
    refuseLarger(spec, part);
    return createBackbone(spec, new Generator(0));
  } catch (error) {
    throw unusable(path, error);
  }
}

function read(path: string): { state: nn.StateDict; metadata: Record<string, string> } {
  if (isPth(path)) return { state: readPth(path), metadata: {} };
  try {
    return { state: loadSafetensors(path), metadata: readSafetensorsMetadata(path) };
  } catch (error) {
    const why = messageOf(error);
    throw new CheckpointError(
      "unusable-weights",
      `Expected a file of PyTorch's torch.save or safetensors at ${path}, got: ${why}`,
      error,
    );
  }
}

/** The tensors under a prefix, with the names that follow it. */
function partOf(state: nn.StateDict, prefix: string): nn.StateDict {
  return Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

const withoutHeads = (part: nn.StateDict): nn.StateDict =>
  Object.fromEntries(Object.entries(part).filter(([name]) => !heads.test(name)));

/** The prefixes under which there is a backbone: those of copies last, short ones first. */
function prefixesIn(state: nn.StateDict): string[] {
  // Each name is kept under its own prefixes alone: to look through all names for each prefix takes hours for a file of many names.
  const below = new Map<string, string[]>([["", []]]);
  for (const name of Object.keys(state)) {
    for (const prefix of prefixesOf(name)) {
      const names = below.get(prefix);
      if (names === undefined) below.set(prefix, [name]);
      else names.push(name);
    }
  }
  const rank = (prefix: string) => (copies.test(prefix) ? 1 : 0);
  const holdsBackbone = ([prefix, names]: readonly [string, readonly string[]]) => {
    const part = Object.fromEntries(names.map((name) => [name.slice(prefix.length), state[name]]));
    return specOf(withoutHeads(part)) !== null;
  };
  return [...below]
    .filter(holdsBackbone)
    .map(([prefix]) => prefix)
    .sort((a, b) => rank(a) - rank(b) || a.split(".").length - b.split(".").length);
}

/** What a name may begin with, from nothing up to its first {@link mostParts} parts. */
function prefixesOf(name: string): string[] {
  const found = [""];
  for (let dot = name.indexOf("."); dot >= 0 && found.length <= mostParts; dot = name.indexOf(".", dot + 1))
    found.push(name.slice(0, dot + 1));
  return found;
}

/** Half and double precision become that of our weights; counts stay whole. */
function asStored(tensor: nn.StateDict[string]): nn.StateDict[string] {
  const isFloat = tensor.dtype.startsWith("float") || tensor.dtype === "bfloat16";
  return isFloat && tensor.dtype !== "float32" ? tensor.toCopy({ dtype: "float32" }) : tensor;
}

function refuseMissing(path: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new CheckpointError(
    "missing-weights",
    `Expected all weights of the network in ${path}, got none for ${missing.length}:${listed(missing)}`,
  );
}

/** Names that were not taken, cut to as many parts as the prefix has, or one more below it. */
function counted(names: readonly string[], prefix: string, own: ReadonlySet<string>): Record<string, number> {
  const parts = Math.max(1, prefix.split(".").length - 1);
  const counts: Record<string, number> = {};
  for (const name of names) {
    const isBelow = name.startsWith(prefix);
    if (isBelow && own.has(name.slice(prefix.length))) continue;
    const shown = isBelow
      ? prefix + name.slice(prefix.length).split(".")[0]
      : name.split(".").slice(0, parts).join(".");
    counts[shown] = (counts[shown] ?? 0) + 1;
  }
  return counts;
}
