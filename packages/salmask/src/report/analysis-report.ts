/** An analysis as files: the numbers as JSON, and a page with tables, plots and pictures. */
import { join } from "node:path";
import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import type { Analysis, Outcome } from "../analysis/analyse.js";
import type { MeasureSheet, Picture } from "../analysis/measured.js";
import { writeFileAtomic } from "../base/files.js";
import { slugOf } from "../base/slug.js";
import { heatColours } from "../image/heat-map.js";
import { analysisPage, type ShownFile } from "./analysis-page.js";
import { drawSheet } from "./sheet.js";
import { svgOf } from "./svg-plot.js";

type Made = Extract<Outcome, { readonly kind: "measured" }>;

/**
 * Writes `analysis.json`, `analysis.md`, and the plots and pictures beside them. `analysis.json` has all numbers, those of the plots
 * too, but no pictures.
 */
export async function writeAnalysis(out: string, analysis: Analysis): Promise<void> {
  const files = new Map<string, readonly ShownFile[]>();
  for (const outcome of analysis.outcomes)
    if (outcome.kind === "measured") files.set(outcome.name, await drawAll(out, outcome));
  await writeFileAtomic(join(out, "analysis.json"), `${JSON.stringify(numbersOf(analysis), null, 2)}\n`);
  await writeFileAtomic(join(out, "analysis.md"), analysisPage(analysis, files));
}

/** The analysis without pictures. */
export function numbersOf(analysis: Analysis): object {
  const outcomes = analysis.outcomes.map((outcome) => {
    if (outcome.kind === "skipped") return outcome;
    const { sheets: _, ...numbers } = outcome;
    return numbers;
  });
  return { ...analysis, outcomes };
}

async function drawAll(out: string, { name, plots, sheets }: Made): Promise<ShownFile[]> {
  const shown: ShownFile[] = [];
  for (const plot of plots) {
    const file = `${name}-${slugOf(plot.title)}.svg`;
    await writeFileAtomic(join(out, file), svgOf(plot));
    shown.push({ title: plot.title, file });
  }
  for (const sheet of sheets) {
    const file = `${name}-${slugOf(sheet.title)}.png`;
    await drawSheet(join(out, file), () => columnsOf(sheet));
    shown.push({ title: sheet.title, file });
  }
  return shown;
}

function columnsOf({ columns }: MeasureSheet): { readonly title: string; readonly pictures: Tensor[] }[] {
  return columns.map(({ title, pictures }) => ({ title: cut(title), pictures: pictures.map(pixelsOf) }));
}

/** Letters that fit above a picture. */
const mostLetters = 18;

const cut = (title: string) => (title.length > mostLetters ? `${title.slice(0, mostLetters - 1)}…` : title);

/** `[3, H, W]` in [0, 1]. */
function pixelsOf(picture: Picture): Tensor {
  const { data, height, width } = picture;
  if (picture.kind === "rgb") return fromTypedArray(data, [3, height, width]);
  const { top } = picture;
  return scope(() => {
    const map = fromTypedArray(data, [height, width]); // [H, W]
    return heatColours(map.div(Math.max(top, 1e-12)).clamp({ min: 0, max: 1 }));
  });
}
