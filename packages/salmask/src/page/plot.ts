/** One chart: lines over the steps, which the pointer and the keyboard can read and enlarge. */
import uPlot from "uplot";
import { colourName, styled } from "./colours.js";
import { make } from "./dom.js";
import { shortNumber } from "./format.js";
import type { Range } from "./protocol.js";

export interface Line {
  readonly name: string;
  /** The place of its colour. */
  readonly colour: number;
  readonly isDashed: boolean;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export interface PlotOptions {
  readonly title: string;
  /** Whether lines are parts of a whole: each is drawn on top of the one before. */
  readonly isStacked: boolean;
  /** The user chose steps to look at, or all of them (null). */
  onRange(range: Range): void;
}

const height = 190;
/** Pixels around the screen in which charts are drawn already. */
const margin = 100;
/** Of a press of plus or minus. */
const zoomFactor = 2;

export class Plot {
  readonly figure: HTMLElement;
  private readonly frame = make("div", {
    class: "plot",
    tabindex: 0,
    role: "group",
    "aria-roledescription": "chart",
  });
  private readonly readout = make("p", { class: "readout" });
  private readonly spoken = make("output", { class: "spoken" });
  private readonly resized = new ResizeObserver(() => this.fit());
  private readonly seen = new IntersectionObserver(
    (changes) => {
      this.isOnScreen = changes.at(-1)?.isIntersecting === true;
      if (this.isOnScreen) this.draw();
    },
    { rootMargin: `${margin}px` },
  );
  /** null before the first look. */
  private isOnScreen: boolean | null = null;
  private isStale = false;
  private drawn: uPlot | null = null;
  private shape = "";
  private lines: readonly Line[] = [];
  private range: Range = null;
  private table: uPlot.AlignedData = [[]];

  constructor(private readonly options: PlotOptions) {
    const { title } = options;
    this.frame.setAttribute(
      "aria-label",
      `${title}. Arrow keys read values, plus and minus enlarge and reduce, 0 shows all steps.`,
    );
    this.frame.addEventListener("keydown", (event) => this.press(event));
    this.frame.addEventListener("dblclick", () => options.onRange(null));
    this.resized.observe(this.frame);
    this.seen.observe(this.frame);
    this.figure = make("figure", {}, make("figcaption", {}, title), this.readout, this.frame, this.spoken);
  }

  /** Sees whether a new chart, now in its place, is on the screen: the observer says so only after the next frame. */
  look(): void {
    if (this.isOnScreen !== null) return;
    const { top, bottom } = this.frame.getBoundingClientRect();
    this.isOnScreen = bottom > -margin && top < innerHeight + margin;
  }

  /** Shows other lines or another range of steps: now where the chart is on the screen, else when it gets there. */
  show(lines: readonly Line[], range: Range): void {
    if (lines === this.lines && range === this.range) return;
    this.lines = lines;
    this.range = range;
    this.isStale = true;
    if (this.isOnScreen) this.draw();
  }

  private draw(): void {
    if (!this.isStale) return;
    this.isStale = false;
    const { lines } = this;
    this.table = tableOf(this.options.isStacked ? stacked(lines) : lines);
    const shape = JSON.stringify(lines.map(({ name, colour, isDashed }) => [name, colour, isDashed]));
    if (this.drawn === null || shape !== this.shape) {
      this.drawn?.destroy();
      this.drawn = new uPlot(this.layout(), this.table, this.frame);
      this.shape = shape;
      performance.mark("chart");
    } else {
      this.drawn.setData(this.table, true);
    }
    this.read(this.drawn.cursor.idx ?? null);
  }

  /** Draws with the style's colours of now. */
  repaint(): void {
    this.drawn?.redraw(false, true);
  }

  remove(): void {
    this.resized.disconnect();
    this.seen.disconnect();
    this.drawn?.destroy();
    this.figure.remove();
  }

  private fit(): void {
    const width = Math.floor(this.frame.clientWidth);
    if (width > 0 && this.drawn !== null && width !== this.drawn.width) this.drawn.setSize({ width, height });
  }

  private layout(): uPlot.Options {
    const axis = {
      stroke: () => styled("--text"),
      grid: { stroke: () => styled("--grid"), width: 1 },
      ticks: { stroke: () => styled("--grid"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    const numbers = (_: uPlot, values: number[]) => values.map(shortNumber);
    const { isStacked } = this.options;
    // The whole of a stack is drawn first and its smaller parts on top.
    const order = isStacked ? this.lines.toReversed() : this.lines;
    return {
      width: Math.max(200, Math.floor(this.frame.clientWidth)),
      height,
      legend: { show: false },
      scales: { x: { time: false, range: (_, low, high) => this.limits(low, high) } },
      axes: [
        { ...axis, values: numbers, size: 30 },
        { ...axis, values: numbers, size: 64 },
      ],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        bind: { dblclick: () => () => null },
      },
      series: [
        {},
        ...order.map(({ name, colour, isDashed }): uPlot.Series => {
          const tint = () => styled(colourName(colour));
          return {
            label: name,
            stroke: tint,
            width: 1.5,
            dash: isDashed ? [6, 4] : [],
            spanGaps: true,
            points: { show: false },
            ...(isStacked ? { fill: tint } : {}),
          };
        }),
      ],
      hooks: {
        setCursor: [(plot) => this.read(plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.select(plot)],
      },
    };
  }

  private limits(low: number, high: number): [number, number] {
    if (this.range !== null) return [this.range.from, this.range.to];
    return low === high ? [low - 1, high + 1] : [low, high];
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 3) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.choose(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  }

  private choose(from: number, to: number): void {
    const steps = this.table[0];
    if (steps.length === 0) return;
    const range = { from: Math.max(0, Math.floor(from)), to: Math.ceil(to) };
    if (range.to > range.from) this.options.onRange(range);
  }

  private press(event: KeyboardEvent): void {
    this.draw();
    const plot = this.drawn;
    if (plot === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const { min = 0, max = 1 } = plot.scales.x;
    const at = plot.cursor.idx ?? null;
    const middle = at === null ? (min + max) / 2 : this.table[0][at];
    const half = (max - min) / 2;
    switch (event.key) {
      case "ArrowLeft":
        this.point((at ?? this.table[0].length) - this.stride());
        break;
      case "ArrowRight":
        this.point((at ?? -1) + this.stride());
        break;
      case "Home":
        this.point(0);
        break;
      case "End":
        this.point(this.table[0].length - 1);
        break;
      case "+":
      case "=":
        this.choose(middle - half / zoomFactor, middle + half / zoomFactor);
        break;
      case "-":
        this.choose(middle - half * zoomFactor, middle + half * zoomFactor);
        break;
      case "0":
      case "Escape":
        this.options.onRange(null);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  /** Points that an arrow key passes: a hundred presses go through the whole chart. */
  private stride(): number {
    return Math.max(1, Math.round(this.table[0].length / 100));
  }

  private point(wanted: number): void {
    const at = Math.max(0, Math.min(this.table[0].length - 1, wanted));
    const step = this.table[0][at];
    if (this.drawn === null || step === undefined) return;
    this.drawn.setCursor({ left: this.drawn.valToPos(step, "x"), top: 10 });
    this.read(at);
    this.spoken.textContent = this.readout.textContent;
  }

  /** Writes down the values at a place of the table; the last ones for null. */
  private read(at: number | null): void {
    const steps = this.table[0];
    const step = steps[at ?? steps.length - 1];
    if (step === undefined) return;
    this.readout.replaceChildren(
      make("span", { class: "step" }, `step ${shortNumber(step)}`),
      ...this.lines.map((line) => {
        const mark = make("span", { class: line.isDashed ? "mark dashed" : "mark", "aria-hidden": true });
        mark.style.borderColor = `var(${colourName(line.colour)})`;
        const value = valueAt(line, step);
        return make("span", {}, mark, `${line.name} ${value === null ? "–" : shortNumber(value)}`);
      }),
    );
  }
}

/** The newest value that a line has at a step. */
function valueAt({ steps, values }: Line, step: number): number | null {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : values[low - 1];
}

/** Lines with the sums of themselves and those before, the largest sum first. All have the same steps. */
function stacked(lines: readonly Line[]): Line[] {
  let below: readonly number[] = [];
  const sums = lines.map((line) => {
    const values = line.values.map((value, i) => value + (below[i] ?? 0));
    below = values;
    return { ...line, values };
  });
  return sums.reverse();
}

/** One table of all lines over the steps that any of them has. */
function tableOf(lines: readonly Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  const tables = lines.map(({ steps, values }): uPlot.AlignedData => [[...steps], [...values]]);
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}
