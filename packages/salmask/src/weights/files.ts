/** Files with a backbone's weights: safetensors with the names of the library that defined the architecture. */
import {
  Generator,
  keep,
  loadSafetensors,
  nn,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
  type Tensor,
  zeros,
} from "@salmask/torch";
import { CheckpointError, messageOf } from "../base/errors.js";
import type { Backbone, BackboneSpec } from "../models/backbone.js";
import { createBackbone, outChannelsOf, specOf } from "../models/registry.js";
import { isPth } from "./pth/read.js";

/** Prefixes that other tools add to a backbone's names, the most usual first; torchvision's detectors `backbone.body.`. */
const prefixes = ["", "backbone.body.", "backbone.", "encoder.", "module.", "model."];

/** What stands on top of a backbone, by the libraries' names and ours. */
export const heads = /^(fc|projector|head|heads|classifier[.]2)[.]/;

/** The tensors of the backbone in a state dict, with its own names, and its specification; null if there is none. */
function backboneIn(state: nn.StateDict): { state: nn.StateDict; spec: BackboneSpec } | null {
  for (const prefix of prefixes) {
    const part = Object.fromEntries(
      Object.entries(state)
        .filter(([name]) => name.startsWith(prefix) && !heads.test(name.slice(prefix.length)))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
    const spec = specOf(part);
    if (spec !== null) return { state: part, spec };
  }
  return null;
}

/**
 * Throws where a file names a network that is much larger than the file, so that a small damaged file cannot make us build a
 * huge network. Every architecture has a layer between about as many channels as its last level has: a quarter of that
 * layer's weights is fewer than any of them has.
 */
export function refuseLarger(spec: BackboneSpec, state: nn.StateDict): void {
  const held = Object.values(state).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const channels = outChannelsOf(spec);
  if (held >= channels ** 2 / 4) return;
  throw new Error(`Expected the weights of a ${spec.arch} of width ${spec.width}, got ${held} numbers alone`);
}

/** Torchvision's frozen norms count no batches; the count is 0 then. */
export function withBatchCounts(backbone: Backbone, state: nn.StateDict): nn.StateDict {
  const counts = Array.from(backbone.namedModules())
    .filter(([, module]) => module instanceof nn.BatchNorm)
    .map(([name]) => [`${name}.num_batches_tracked`, zeros([], { dtype: "int64" })] as const);
  return { ...Object.fromEntries(counts), ...state };
}

/** Throws {@link CheckpointError} `not-safetensors` for a file of PyTorch's torch.save, with the command that converts it. */
function refusePth(path: string): void {
  if (!isPth(path)) return;
  throw new CheckpointError(
    "not-safetensors",
    `Expected a safetensors file at ${path}, got one of PyTorch's torch.save. Convert it: salmask import ${path} --out NAME.safetensors`,
  );
}

/**
 * The backbone of a safetensors file, in evaluation mode, and the file's metadata. Its specification is derived from
 * the tensors.
 */
export function loadBackbone(path: string): { backbone: Backbone; metadata: Record<string, string> } {
  return scope(() => {
    try {
      refusePth(path);
      const all = loadSafetensors(path);
      const found = backboneIn(all);
      if (found === null) {
        throw new CheckpointError(
          "not-a-backbone",
          `Expected a backbone's weights with torchvision's names (a ResNet's: conv1.weight, layer4.1.conv2.weight, ...) in ${path}, ` +
            `got ${Object.keys(all).slice(0, 4).join(", ") || "no tensors"}.`,
        );
      }
      refuseLarger(found.spec, found.state);
      const backbone = createBackbone(found.spec, new Generator(0));
      try {
        backbone.loadStateDict(withBatchCounts(backbone, found.state));
      } catch (error) {
        backbone.dispose();
        throw error;
      }
      return { backbone: backbone.eval().setRequiresGrad(false), metadata: readSafetensorsMetadata(path) };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const why = messageOf(error);
      throw new CheckpointError("unusable-weights", `Expected usable weights in ${path}, got: ${why}`, error);
    }
  });
}

/** The linear layer on top of a backbone. */
export interface ClassifierLayer {
  /** `[classes, outChannels]` */
  readonly weight: Tensor;
  /** `[classes]` */
  readonly bias: Tensor;
}

/** The linear layer that a safetensors file has on top of this backbone; null where it has none. The caller owns the tensors. */
export function loadClassifierLayer(
  path: string,
  { classifierName: name, outChannels }: Backbone,
): ClassifierLayer | null {
  return scope(() => {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = loadSafetensors(path);
    if (weight?.ndim !== 2 || weight.shape[1] !== outChannels || bias?.shape.join() !== `${weight.shape[0]}`)
      return null;
    return { weight: keep(weight), bias: keep(bias) };
  });
}

/** Writes a backbone; `metadata` describes its input. */
export function saveBackbone(path: string, backbone: Backbone, metadata: Record<string, string>): void {
  const spec = JSON.stringify(backbone.spec);
  saveSafetensors(path, backbone.stateDict(), { format: "pt", backbone: spec, ...metadata });
}

/** A frozen copy in evaluation mode; optimizers and momentum updates do not change it. */
export function frozenCopy(backbone: Backbone): Backbone {
  const copy = createBackbone(backbone.spec, new Generator(0));
  copy.loadStateDict(backbone.stateDict());
  return copy.eval().setRequiresGrad(false);
}
