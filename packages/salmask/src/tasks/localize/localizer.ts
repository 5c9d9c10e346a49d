/** Trains a small network that finds objects, without labels: `salmask saliency train`. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Generator, KeyedRandom, setNumThreads } from "@salmask/torch";
import { InterruptedError, UsageError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { openPhotos } from "../../data/store/open-photos.js";
import { gridFor } from "../../masking/grid.js";
import type { BackboneSpec } from "../../models/backbone.js";
import { LocalizationNetwork } from "../../models/localization-network.js";
import { strideOf } from "../../models/registry.js";
import { LocalizerSource, localizerCues } from "../../saliency/networks/localizer.js";
import { ConsensusSource } from "../../saliency/regions/consensus.js";
import type { SaliencySource } from "../../saliency/source.js";
import { train } from "../../training/trainer.js";
import { loadLocalization, saveLocalization } from "../../weights/localization.js";
import { CarefulSource } from "./labels.js";
import { localizerDefaults, type Teacher } from "./settings.js";
import { LocalizerTask } from "./task.js";

/** What {@link trainLocalizer} learns from, and where it writes. */
export interface LocalizerOptions {
  /** Folder, `.tar` or `.tar.gz` of photos. */
  readonly photos: string;
  /** Path of the safetensors file to write; each finished round is written there. */
  readonly out: string;
  readonly seed?: number;
  /** How often the network is trained; from the second time on with the maps of the time before as labels. */
  readonly rounds?: number;
  /** Passes over all photos in a round; one with fewer photos has as many steps. */
  readonly epochs?: number;
  /** Default: methods without a network in the first round, then the network of the round before. */
  readonly teacher?: Teacher;
  /** At most so many photos, drawn at random, are learned from in a round whose teacher is no network, as it takes long for each. */
  readonly consensusPhotos?: number;
  /** Side of the crops in pixels, a multiple of 32; later the network's input is resized to it. */
  readonly crop?: number;
  /** Channels of the ResNet-18's first stage. */
  readonly width?: number;
  readonly batchSize?: number;
  /** Goes on after the rounds that are in `out`; the same call without a stop gives the same weights. */
  readonly resume?: boolean;
  /** Default: all cores. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** How the training of a network that finds objects ended. */
export interface LocalizerSummary {
  weights: string;
  photos: string;
  images: number;
  rounds: number;
  /** Of a round. */
  epochs: number;
  seed: number;
  /** Loss of the last step; NaN if all rounds were there. */
  loss: number;
  /** Of this call. */
  seconds: number;
}

/** Steps between logged steps. */
const logEvery = 20;

/** Channels of the decoder. */
const channels = 32;

const specOf = (width: number): BackboneSpec => ({ arch: "resnet18", stem: "imagenet", width });

/**
 * The labels of the first round are what methods without a network find in the original photos; those of a later round are what the network
 * of the round before finds there. The network sees crops with changed colours, so it must learn the appearance of objects. Writes a weights
 * file for the source `scda` after each round. Throws UsageError: `file-taken` where the file is there and is not gone on from,
 * `nothing-to-resume`, and if the crop does not consist of whole cells or the photos do not fill a batch; TrainingError `loss-not-finite`;
 * InterruptedError.
 */
export async function trainLocalizer(options: LocalizerOptions): Promise<LocalizerSummary> {
  const { photos, out, resume = false, signal, report = silent } = options;
  const { seed, rounds, epochs, consensusPhotos, crop, width, batchSize } = {
    ...localizerDefaults,
    ...options,
  };
  gridFor(crop, strideOf(specOf(width)));
  if (!resume) refuseTaken(out);
  const started = performance.now();
  setNumThreads(options.threads ?? availableParallelism());
  const begun = resume ? loadLocalization(wholeFile(out), localizerCues) : null;
  const network = begun?.network ?? newNetwork(seed, width);
  network.setRequiresGrad(true).train();
  try {
    const dataset = await openPhotos(photos, { crop, signal, report });
    try {
      let loss = Number.NaN;
      for (let round = begun?.rounds ?? 0; round < rounds; round++) {
        report({ kind: "note", message: `round ${round + 1} of ${rounds}` });
        const { teacher = round === 0 ? "consensus" : "own" } = options;
        const learned =
          teacher === "own"
            ? allOf(dataset.length)
            : someOf({ n: dataset.length, most: consensusPhotos, seed, round });
        const source = teacher === "own" ? ownTeacher(network, crop) : new ConsensusSource();
        const about = { seed, crop, batchSize, round, photos: learned, teacher: source };
        const task = new LocalizerTask(network, dataset, about);
        try {
          const passes = (epochs * dataset.length) / learned.length;
          const { last } = await train(task, { epochs: passes, logEvery, signal, report }).catch((error) => {
            throw error instanceof InterruptedError && round > 0 ? stoppedAfter(round, rounds, out) : error;
          });
          loss = last?.loss ?? loss;
        } finally {
          task.dispose();
        }
        saveLocalization(out, { network, side: crop, rounds: round + 1 });
      }
      const seconds = (performance.now() - started) / 1000;
      return { weights: out, photos, images: dataset.length, rounds, epochs, seed, loss, seconds };
    } finally {
      dataset.close();
    }
  } finally {
    network.dispose();
  }
}

function newNetwork(seed: number, width: number): LocalizationNetwork {
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  return new LocalizationNetwork({ backbone: specOf(width), channels, cues: localizerCues }, generator);
}

const allOf = (n: number): Int32Array => Int32Array.from({ length: n }, (_, id) => id);

/** At most `most` of `n` photos, in ascending order; each round takes those that follow, in a drawn order, those of the round before. */
function someOf({
  n,
  most,
  seed,
  round,
}: {
  n: number;
  most: number;
  seed: number;
  round: number;
}): Int32Array {
  const order = new KeyedRandom(seed, purpose.labelledPhotos).permutation(n);
  const count = Math.min(n, most);
  return Int32Array.from({ length: count }, (_, i) => order[(round * count + i) % n]).sort();
}

/** What a copy of the network finds, on average of a photo and of its mirror image. */
function ownTeacher(network: LocalizationNetwork, crop: number): SaliencySource {
  const copy = new LocalizationNetwork(network.spec, new Generator(0));
  copy.loadStateDict(network.stateDict());
  return new CarefulSource(new LocalizerSource(copy, crop));
}

/** An interrupted round is lost; those before it are in the file. */
const stoppedAfter = (round: number, rounds: number, out: string): InterruptedError =>
  new InterruptedError(
    `Stopped after round ${round} of ${rounds}, which is in ${out}. Run the same command with --resume to go on.`,
  );

function refuseTaken(out: string): void {
  if (!existsSync(out)) return;
  throw new UsageError(
    "file-taken",
    `Expected a new file for --out, got ${out}, which exists. Go on after its rounds with --resume, or choose another --out.`,
  );
}

function wholeFile(path: string): string {
  if (existsSync(path)) return path;
  throw new UsageError(
    "nothing-to-resume",
    `Expected a finished round in ${path} to go on from, got no file. Leave --resume out.`,
  );
}
