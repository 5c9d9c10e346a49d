/** Files with the weights of a localization network. */
import {
  Generator,
  loadSafetensors,
  type nn,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
} from "@salmask/torch";
import { CheckpointError, messageOf } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { LocalizationNetwork, type LocalizationSpec } from "../models/localization-network.js";
import { levelsOf, specOf } from "../models/registry.js";
import { refuseLarger } from "./files.js";
import { inputOf } from "./metadata.js";
import { refuseOtherShapes, type Shapes } from "./shapes.js";

/** A localization network, and what its file says of it. */
export interface StoredLocalization {
  /** In evaluation mode; the caller owns it. */
  readonly network: LocalizationNetwork;
  /** Side in pixels to which its input is resized. */
  readonly side: number;
  /** Finished rounds of its training. */
  readonly rounds: number;
}

const task = "localization";

/** Whether a file says that its network was trained to find objects; false for what is no file of weights. */
export function isLocalizationFile(path: string): boolean {
  try {
    return readSafetensorsMetadata(path).task === task;
  } catch {
    return false;
  }
}

/** Writes a localization network. */
export function saveLocalization(path: string, { network, side, rounds }: StoredLocalization): void {
  const metadata = { format: "pt", task, crop: String(side), rounds: String(rounds) };
  saveSafetensors(path, network.stateDict(), metadata);
}

/**
 * The localization network of a file. Its specification is derived from the tensors. Throws {@link CheckpointError} `earlier-localizer`
 * for a network of an earlier Salmask, which had no decoder or no cues, `unusable-weights`.
 *
 * @param cues how many its decoder has to get
 */
export function loadLocalization(path: string, cues: number): StoredLocalization {
  return scope(() => {
    try {
      const state = loadSafetensors(path);
      const metadata = readSafetensorsMetadata(path);
      const spec = specIn(state);
      if (spec === null) throw earlier(path);
      refuseLarger(spec.backbone, state);
      if (spec.cues < 1) throw earlier(path);
      refuseOtherShapes(state, decoderShapes({ ...spec, cues }));
      const { side, rounds } = trainingOf(metadata);
      const network = new LocalizationNetwork(spec, new Generator(0));
      try {
        network.loadStateDict(state);
      } catch (error) {
        network.dispose();
        throw error;
      }
      return { network: network.eval().setRequiresGrad(false), side, rounds };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const why = messageOf(error);
      throw new CheckpointError("unusable-weights", `Expected usable weights in ${path}, got: ${why}`, error);
    }
  });
}

function trainingOf(metadata: Readonly<Record<string, string>>): Pick<StoredLocalization, "side" | "rounds"> {
  const rounds = Number(metadata.rounds ?? 0);
  if (!Number.isSafeInteger(rounds) || rounds < 0)
    throw new RangeError(`a count of rounds in the metadata that is ${shown(metadata.rounds)}`);
  return { side: inputOf(metadata).crop, rounds };
}

const earlier = (path: string): CheckpointError =>
  new CheckpointError(
    "earlier-localizer",
    `Expected a localization network with a decoder that gets cues in ${path}, got one without. ` +
      `An earlier Salmask trained it; train it again: salmask saliency train PHOTOS --out ${path}`,
  );

/** The weights of the decoder's layers, without building it. */
function decoderShapes({ backbone, channels, cues }: LocalizationSpec): Shapes {
  const levels = levelsOf(backbone);
  const ofLevels = levels.flatMap((level, i): [string, number[]][] => [
    [`laterals.${i}.weight`, [channels, level.channels + (i === 0 ? cues : 0), 1, 1]],
    [`blocks.${i}.conv.weight`, [channels, channels, 3, 3]],
  ]);
  return {
    "context.weight": [channels, levels[levels.length - 1].channels],
    ...Object.fromEntries(ofLevels),
    "head.weight": [1, channels, 3, 3],
  };
}

/** What the names and shapes of tensors say; null if they are no network with a decoder. */
function specIn(state: nn.StateDict): LocalizationSpec | null {
  const own = "backbone.";
  const encoder = Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(own))
      .map(([name, tensor]) => [name.slice(own.length), tensor]),
  );
  const backbone = specOf(encoder);
  const finest = state["laterals.0.weight"];
  if (backbone === null || finest === undefined) return null;
  const [channels, input] = finest.shape;
  return { backbone, channels, cues: input - levelsOf(backbone)[0].channels };
}
