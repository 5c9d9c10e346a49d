/** All charts: which numbers stand together, in which order, and the lines of the chosen runs in them. */
import { make } from "./dom.js";
import { type Line, Plot } from "./plot.js";
import type { Charts, Range } from "./protocol.js";

/** Numbers that share a chart. */
interface Group {
  readonly title: string;
  readonly names: readonly string[];
}

/** The first charts; every other number of the log gets one after them. */
const groups: readonly Group[] = [
  { title: "loss", names: ["loss"] },
  { title: "contrast accuracy", names: ["contrastAccuracy"] },
  { title: "kNN during training", names: ["knn"] },
  { title: "learning rate", names: ["lr"] },
  { title: "photos per second", names: ["imagesPerSecond"] },
  { title: "queue fill", names: ["queueFill"] },
  {
    title: "foreground share (dashed: crops that are all foreground)",
    names: ["foregroundShare", "allForegroundShare"],
  },
  { title: "variance over a photo's views: query (dashed: key)", names: ["queryVariance", "keyVariance"] },
];

/** A run that is shown, with its charts once they are there. */
export interface ShownRun {
  readonly id: string;
  /** The place of its colour. */
  readonly colour: number;
  readonly charts: Charts | null;
}

export class ChartWall {
  readonly element = make("div", { class: "charts" });
  private readonly plots = new Map<string, Plot>();

  constructor(private readonly onRange: (range: Range) => void) {}

  show(runs: readonly ShownRun[], range: Range): void {
    const wanted = [...lineCharts(runs), ...timeCharts(runs)];
    const titles = new Set(wanted.map(({ title }) => title));
    for (const [title, plot] of this.plots) {
      if (titles.has(title)) continue;
      plot.remove();
      this.plots.delete(title);
    }
    // A plot takes the width of its place, so that all have one before any is drawn.
    const placed = wanted.map(({ title, isStacked, lines }, place) => {
      const plot = this.plots.get(title) ?? new Plot({ title, isStacked, onRange: this.onRange });
      this.plots.set(title, plot);
      const there = this.element.children[place] ?? null;
      if (there !== plot.figure) this.element.insertBefore(plot.figure, there);
      return { plot, lines };
    });
    // Drawing changes the page, and each look after it would make the browser lay the page out again.
    for (const { plot } of placed) plot.look();
    for (const { plot, lines } of placed) plot.show(lines, range);
  }

  repaint(): void {
    for (const plot of this.plots.values()) plot.repaint();
  }
}

interface Wanted {
  readonly title: string;
  readonly isStacked: boolean;
  readonly lines: readonly Line[];
}

function lineCharts(runs: readonly ShownRun[]): Wanted[] {
  const logged = new Set(runs.flatMap(({ charts }) => charts?.series.map(({ name }) => name) ?? []));
  const grouped = new Set(groups.flatMap(({ names }) => names));
  const others = [...logged].filter((name) => !grouped.has(name)).sort();
  const all = [...groups, ...others.map((name) => ({ title: name, names: [name] }))];
  return all
    .map(({ title, names }) => ({
      title,
      isStacked: false,
      lines: runs.flatMap((run) => names.flatMap((name, i) => lineOf(run, name, i > 0) ?? [])),
    }))
    .filter(({ lines }) => lines.length > 0);
}

function lineOf({ id, colour, charts }: ShownRun, name: string, isDashed: boolean): Line | null {
  const series = charts?.series.find((one) => one.name === name);
  if (series === undefined || series.steps.length === 0) return null;
  return { name: id, colour, isDashed, steps: series.steps, values: series.values };
}

/** One per run, because parts of several runs cannot be stacked in one. */
function timeCharts(runs: readonly ShownRun[]): Wanted[] {
  return runs.flatMap(({ id, charts }) => {
    if (charts === null || charts.parts.steps.length === 0) return [];
    const { names, steps, values } = charts.parts;
    const lines = names.map((name, i) => ({ name, colour: i, isDashed: false, steps, values: values[i] }));
    return [{ title: `seconds of a step: ${id}`, isStacked: true, lines }];
  });
}
