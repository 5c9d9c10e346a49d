/**
 * The measures, in the order in which they are made. A new one is a file beside this and a line here. They are loaded when they are
 * asked for: names alone need no engine.
 */
import type { Measure } from "./measure.js";

const measures = {
  alignment: async () => (await import("./alignment.js")).alignment,
  rank: async () => (await import("./rank.js")).rank,
  cka: async () => (await import("./cka.js")).cka,
  confusion: async () => (await import("./confusion.js")).confusion,
  "grad-cam": async () => (await import("./grad-cam.js")).gradCamEnergy,
  backgrounds: async () => (await import("./backgrounds.js")).backgrounds,
  robustness: async () => (await import("./robustness.js")).robustness,
  shape: async () => (await import("./shape.js")).shape,
  borders: async () => (await import("./borders.js")).borders,
} as const satisfies Record<string, () => Promise<Measure>>;

/** A measure of encoders, by its name. */
export type MeasureName = keyof typeof measures;

const isName = (name: string): name is MeasureName => name in measures;

export const measureNames: readonly MeasureName[] = Object.keys(measures).filter(isName);

export function loadMeasure(name: MeasureName): Promise<Measure> {
  return measures[name]();
}
