/** What a measure finds: numbers for each encoder, curves and pictures. Plain data, so that a report can draw it. */

/** `share`: 0 to 1, shown in percent. `count`: a whole number. */
export type ValueKind = "share" | "number" | "count";

/** A column of a measure's table. */
export interface TableColumn {
  readonly title: string;
  readonly kind: ValueKind;
}

/** A value is null where it cannot be measured. */
export interface NamedValues {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** Numbers of encoders beside each other. */
export interface MeasureTable {
  /** What the table shows where a measure has several; null where it has one. */
  readonly title: string | null;
  readonly columns: readonly TableColumn[];
  /** One for each encoder, by its name; values in the order of the columns. */
  readonly rows: readonly NamedValues[];
}

interface SeriesPlot {
  readonly title: string;
  readonly y: { readonly title: string; readonly kind: ValueKind };
  readonly series: readonly NamedValues[];
}

/** Curves over one variable, whose values are at equal distances whatever they are. */
export interface LinesPlot extends SeriesPlot {
  readonly kind: "lines";
  readonly x: { readonly title: string; readonly values: readonly string[] };
}

/** Bars in groups. */
export interface BarsPlot extends SeriesPlot {
  readonly kind: "bars";
  readonly groups: readonly string[];
}

/** A table in which colours show how large a value is, from 0 to 1. */
export interface HeatPlot {
  readonly kind: "heat";
  readonly title: string;
  readonly rows: { readonly title: string; readonly names: readonly string[] };
  readonly columns: { readonly title: string; readonly names: readonly string[] };
  /** `[rows][columns]` */
  readonly values: readonly (readonly (number | null)[])[];
}

/** A plot of a measure. */
export type Plot = LinesPlot | BarsPlot | HeatPlot;

interface Pixels {
  /** Row after row; for `rgb` one channel after another. */
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A picture of a measure. */
export type Picture =
  /** `[3, height, width]` in [0, 1]. */
  | ({ readonly kind: "rgb" } & Pixels)
  /** `[height, width]`, at least 0; `top` and more have the brightest colour. */
  | ({ readonly kind: "heat"; readonly top: number } & Pixels);

/** Pictures in columns; those in one row belong to one photo. */
export interface MeasureSheet {
  readonly title: string;
  readonly columns: readonly { readonly title: string; readonly pictures: readonly Picture[] }[];
}

/** All that a measure found. */
export interface Measured {
  readonly tables: readonly MeasureTable[];
  readonly plots: readonly Plot[];
  readonly sheets: readonly MeasureSheet[];
  /** What readers should know about these numbers; whole sentences. */
  readonly notes: readonly string[];
}
