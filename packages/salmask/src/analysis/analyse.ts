/** Looks at several encoders by several measures, on the same photos. */
import { UsageError } from "../base/errors.js";
import { type Report, silent } from "../base/events.js";
import { listed } from "../base/faults.js";
import { duration } from "../base/format.js";
import { closeEncoders, type Encoder, type GivenEncoder, openEncoders } from "./encoders.js";
import { Material } from "./material.js";
import type { Measured } from "./measured.js";
import type { Measure, Need } from "./measures/measure.js";
import { loadMeasure, type MeasureName, measureNames } from "./measures/registry.js";
import { type AnalysisPhotos, openAnalysisPhotos, type PhotosFrom } from "./photos.js";

/** Which encoders {@link analyse} looks at, on which photos, and by which measures. */
export interface AnalyseOptions {
  readonly encoders: readonly GivenEncoder[];
  /** Whether each network is also looked at untrained. Default true. */
  readonly random?: boolean;
  readonly photos: PhotosFrom;
  /** Photos at most, about: learned from, and scored on. */
  readonly counts?: Partial<AnalysisCounts>;
  /** The measures that are made; default: all that the photos allow. A measure that is named and cannot be made is an error. */
  readonly only?: readonly MeasureName[];
  /** Of untrained networks, of the embedded set, and of all that is drawn. Default 0. */
  readonly seed?: number;
  /** Leaves out what is wrong with a data set; otherwise such a set is refused. Default false. */
  readonly skipBad?: boolean;
  /** Folder of the packed photos. */
  readonly cache?: string;
  /** Takes the analysis so far, after each measure. */
  readonly onMeasured?: (analysis: Analysis) => Promise<void>;
  /** Aborting stops the work with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Numbers of photos. */
export interface AnalysisCounts {
  readonly train: number;
  readonly test: number;
}

const usualCounts: AnalysisCounts = { train: 2000, test: 500 };

/** What came of a measure. */
export type Outcome = { readonly name: MeasureName; readonly shows: string; readonly source: string } & (
  | ({ readonly kind: "measured"; readonly seconds: number } & Measured)
  | { readonly kind: "skipped"; readonly why: string }
);

/** What came of all measures. */
export interface Analysis {
  readonly seed: number;
  readonly photos: {
    readonly path: string;
    readonly classes: readonly string[];
    /** 0 where photos have no classes. */
    readonly learned: number;
    readonly scored: number;
    readonly hasMasks: boolean;
  };
  readonly encoders: readonly {
    readonly name: string;
    /** Null for an untrained network. */
    readonly run: string | null;
    readonly arch: string;
    readonly crop: number;
    readonly fill: string;
  }[];
  readonly outcomes: readonly Outcome[];
  /** Measures that are still to be made. */
  readonly waiting: readonly MeasureName[];
}

/**
 * Makes all measures that photos and encoders allow. Throws UsageError `cannot-measure` where a named measure cannot be made,
 * `bad-name`; CheckpointError, DataError, InterruptedError.
 */
export async function analyse(options: AnalyseOptions): Promise<Analysis> {
  const { seed = 0, random = true, counts, cache, skipBad, signal, report = silent } = options;
  const encoders = openEncoders(options.encoders, { seed, random });
  try {
    const crop = Math.max(...encoders.map((encoder) => encoder.crop));
    const photos = await openAnalysisPhotos({
      from: options.photos,
      crop,
      counts: { ...usualCounts, ...counts },
      ...{ seed, skipBad, cache, signal, report },
    });
    try {
      report({ kind: "note", message: lineOf(photos) });
      using material = new Material({ encoders, photos, seed, signal, report });
      return await measureAll(material, options);
    } finally {
      photos.close();
    }
  } finally {
    closeEncoders(encoders);
  }
}

interface Asked {
  readonly name: MeasureName;
  readonly measure: Measure;
  /** Why it cannot be made; null where it can. */
  readonly why: string | null;
}

async function measureAll(material: Material, options: AnalyseOptions): Promise<Analysis> {
  const { only, onMeasured, report = silent } = options;
  const names = measureNames.filter((name) => only === undefined || only.includes(name));
  const asked = await Promise.all(
    names.map(async (name): Promise<Asked> => {
      const measure = await loadMeasure(name);
      return { name, measure, why: reasonAgainst(measure, material) };
    }),
  );
  if (only !== undefined) refuseImpossible(asked);
  const outcomes: Outcome[] = [];
  const soFar = (): Analysis => ({ ...aboutAll(material), outcomes, waiting: names.slice(outcomes.length) });
  for (const [done, { name, measure, why }] of asked.entries()) {
    const { shows, source } = measure;
    if (why !== null) {
      outcomes.push({ kind: "skipped", name, shows, source, why });
      report({ kind: "note", message: `${name} is left out: ${why}` });
      continue;
    }
    const started = performance.now();
    const measured = await measure.compute(material);
    const seconds = (performance.now() - started) / 1000;
    outcomes.push({ kind: "measured", name, shows, source, seconds, ...measured });
    report({
      kind: "cell",
      name,
      state: "done",
      outcome: `took ${duration(seconds)}`,
      done: done + 1,
      total: asked.length,
      left: null,
    });
    await onMeasured?.(soFar());
  }
  const analysis = soFar();
  if (outcomes.at(-1)?.kind !== "measured") await onMeasured?.(analysis);
  return analysis;
}

function refuseImpossible(asked: readonly Asked[]): void {
  const faults = asked.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`]));
  if (faults.length === 0) return;
  throw new UsageError(
    "cannot-measure",
    `Expected photos and encoders for all measures of --only, got:${listed(faults)}`,
  );
}

const mends: Readonly<Record<Need, (material: Material) => string | null>> = {
  classes: ({ photos }) =>
    photos.learned === null
      ? "it needs photos with classes, to learn from and to be scored on; salmask data check says what a folder is"
      : null,
  masks: ({ photos }) =>
    photos.masks === null
      ? "it needs the true masks of objects: give --masks FOLDER, a set with objects, or --embedded"
      : null,
  "two encoders": ({ encoders }) =>
    encoders.length < 2 ? "it needs two encoders: give another run, or leave out --no-random" : null,
};

function reasonAgainst({ needs }: Measure, material: Material): string | null {
  const missing = needs.map((need) => mends[need](material)).filter((why) => why !== null);
  return missing.length === 0 ? null : missing.join("; ");
}

function aboutAll({ seed, photos, encoders }: Material): Pick<Analysis, "seed" | "photos" | "encoders"> {
  return {
    seed,
    photos: {
      path: photos.path,
      classes: photos.classes,
      learned: photos.learned?.ids.length ?? 0,
      scored: photos.scored.ids.length,
      hasMasks: photos.masks !== null,
    },
    encoders: encoders.map(({ name, run, backbone, crop, fill }: Encoder) => ({
      name,
      run,
      arch: backbone.spec.arch,
      crop,
      fill: fill.name,
    })),
  };
}

function lineOf({ learned, scored, classes, masks }: AnalysisPhotos): string {
  const known =
    learned === null ? "no classes" : `${classes.length} classes, ${learned.ids.length} photos to learn from`;
  return `${scored.ids.length} photos of ${scored.dataset.path}: ${known}, ${masks === null ? "no masks" : "with masks"}`;
}
