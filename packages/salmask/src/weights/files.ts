import {
  Generator,
  loadSafetensors,
  type nn,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
} from "@salmask/torch";
import { CheckpointError } from "../base/errors.js";
import { type ResNet, type ResNetDepth, type ResNetStem, resnet } from "../models/resnet.js";

/** What a ResNet's state dict says about its shape. */
function shapeOf(state: nn.StateDict, path: string): { depth: ResNetDepth; stem: ResNetStem; width: number } {
  const first = state["conv1.weight"];
  if (first === undefined || state["layer4.1.conv2.weight"] === undefined) {
    throw new CheckpointError(
      "not-a-resnet",
      `Expected a ResNet's weights with torchvision's names (conv1.weight, layer4.1.conv2.weight, ...) in ${path}, ` +
        `but the file holds ${Object.keys(state).slice(0, 4).join(", ") || "no tensors"}.`,
    );
  }
  const [width, , kernel] = first.shape;
  const depth = state["layer1.0.conv3.weight"] === undefined ? 18 : 50;
  return { depth, stem: kernel === 7 ? "imagenet" : "small", width };
}

/** Prefixes that other tools put before a backbone's names. */
const prefixes = ["backbone.", "encoder.", "module.", "model."];

function backboneOnly(state: nn.StateDict): nn.StateDict {
  const prefix = prefixes.find((candidate) => `${candidate}conv1.weight` in state) ?? "";
  return Object.fromEntries(
    Object.entries(state)
      .filter(
        ([name]) => name.startsWith(prefix) && !/^(fc|projector|head)\./.test(name.slice(prefix.length)),
      )
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** The backbone of a safetensors file, in eval mode, and the file's metadata. Depth, stem and width are read off. */
export function loadBackbone(path: string): { backbone: ResNet; metadata: Record<string, string> } {
  return scope(() => {
    try {
      const state = backboneOnly(loadSafetensors(path));
      const backbone = resnet({ ...shapeOf(state, path), generator: new Generator(0) });
      backbone.loadStateDict(state);
      return { backbone: backbone.eval().setRequiresGrad(false), metadata: readSafetensorsMetadata(path) };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new CheckpointError("unusable-weights", `The weights in ${path} cannot be used: ${why}`, error);
    }
  });
}

/** Writes a backbone with torchvision's names; `metadata` says how its input has to look. */
export function saveBackbone(path: string, backbone: ResNet, metadata: Record<string, string>): void {
  saveSafetensors(path, backbone.stateDict(), { format: "pt", ...metadata });
}

/** A copy that no optimiser and no momentum update touches, in eval mode. */
export function frozenCopy(backbone: ResNet): ResNet {
  const copy = resnet({ ...backbone.options, generator: new Generator(0) });
  copy.loadStateDict(backbone.stateDict());
  return copy.eval().setRequiresGrad(false);
}
