/** What the page shows. A server sends it piece by piece; a report holds all of it. Shares are 0 to 1. */

/** A run in the list. */
export interface RunLine {
  /** The path below the watched folder, with `/`; `.` for the folder itself. */
  readonly id: string;
  /** The name of its kind of settings, such as `pretrain`. */
  readonly kind: string;
  readonly state: "running" | "stopped" | "ended";
  /** Of the newest line of the log; null where there is none. */
  readonly step: number | null;
  readonly loss: number | null;
  /** Bytes of the log: another number means other lines. */
  readonly logSize: number;
  /** Another text means that the run has other settings, scores or pictures. */
  readonly stamp: string;
}

/** A mean over seeds in percent, with half its 95 % interval where there are two or more. */
export interface Mean {
  readonly mean: number;
  readonly halfWidth: number | null;
  readonly count: number;
}

export interface ExperimentRow {
  readonly name: string;
  readonly runs: number;
  readonly ended: number;
  readonly running: number;
  readonly knn: Mean | null;
  readonly linear: Mean | null;
}

/** Rows of runs with seeds, as they stand now. */
export interface Experiment {
  readonly id: string;
  readonly rows: readonly ExperimentRow[];
  /** The table in Markdown that the experiment wrote at its end; null before. */
  readonly table: string | null;
  /** The address of its plot; null before its end. */
  readonly plot: string | null;
}

export interface Overview {
  /** The watched folder, or what was reported. */
  readonly folder: string;
  readonly runs: readonly RunLine[];
  readonly experiments: readonly Experiment[];
}

/** A logged number over the steps, thinned so that every peak is still there. */
export interface Series {
  readonly name: string;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** Seconds of a step per stage, as means over neighbouring steps. */
export interface Parts {
  readonly names: readonly string[];
  readonly steps: readonly number[];
  /** One list per name. */
  readonly values: readonly (readonly number[])[];
}

export interface Charts {
  /** Lines of the log that have been read so far. */
  readonly rows: number;
  /** Whether that is the whole log of now. */
  readonly isComplete: boolean;
  readonly series: readonly Series[];
  readonly parts: Parts;
}

/** Steps between which charts are wanted; null for all. */
export type Range = { readonly from: number; readonly to: number } | null;

/** Small pictures of one size in one file, row by row. */
export interface Tiles {
  /** The address of the picture. */
  readonly src: string;
  /** Side of a small picture in pixels. */
  readonly side: number;
  /** Small pictures in a row of the file. */
  readonly across: number;
}

/** What the encoder compared when the run's last checkpoint was written. */
export interface Views {
  readonly step: number;
  /** A row of the file is a photo. */
  readonly tiles: Tiles;
  readonly columns: readonly string[];
  readonly photos: readonly string[];
}

/** Photos on a plane, near each other where their embeddings are. */
export interface EmbeddingMap {
  readonly step: number;
  readonly tiles: Tiles;
  readonly photos: readonly {
    readonly name: string;
    /** null where the photo has no label. */
    readonly label: string | null;
    /** 0 to 1. */
    readonly x: number;
    readonly y: number;
  }[];
}

/** A picture with a name. */
export interface Picture {
  readonly name: string;
  readonly src: string;
}

/** A score of the encoder beside that of an untrained one, where it is known. */
export interface Score {
  readonly name: string;
  readonly value: number;
  readonly untrained: number | null;
  /** Where and how it was measured. */
  readonly how: string;
}

/** What the doctor says of a run. */
export interface Diagnosis {
  readonly findings: readonly { readonly what: string; readonly mend: string }[];
  /** Why nothing was looked at, or that nothing looks wrong; null where there are findings. */
  readonly said: string | null;
}

export interface RunDetail {
  /** By dotted key, in the order of the file. */
  readonly settings: Readonly<Record<string, string>>;
  readonly scores: readonly Score[];
  readonly diagnosis: Diagnosis;
  readonly views: Views | null;
  /** A sheet with titles of its own, as `salmask views` draws it. */
  readonly sheet: string | null;
  readonly map: EmbeddingMap | null;
  readonly detections: readonly Picture[];
}

/** All that a report holds. */
export interface Report {
  readonly overview: Overview;
  readonly charts: Readonly<Record<string, Charts>>;
  readonly details: Readonly<Record<string, RunDetail>>;
}
