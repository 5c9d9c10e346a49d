/** The plots of an analysis as SVG: curves, bars in groups, tables of colours. */
import type { BarsPlot, HeatPlot, LinesPlot, NamedValues, Plot, ValueKind } from "../analysis/measured.js";
import { colours, picture, textAt } from "../base/svg.js";

/** The first is grey, for what the others are compared with. */
const shown = ["#8a8a8a", ...colours];
const colourOf = (series: number) => shown[series % shown.length];

const frame = { width: 720, left: 60, right: 20, top: 58, plotHeight: 240, legendLine: 18 };
const ticks = 5;
/** Of the text in pixels; the font is the machine's, so that letters may be narrower. */
const letterWidth = 6.5;

export function svgOf(plot: Plot): string {
  switch (plot.kind) {
    case "lines":
      return linesSvg(plot);
    case "bars":
      return barsSvg(plot);
    case "heat":
      return heatSvg(plot);
  }
}

/** A plot's elements under its title. */
const titled = (width: number, height: number, title: string, parts: readonly string[]) =>
  picture({ width, height, title }, [textAt(12, 20, title, 'font-size="14"'), ...parts]);

interface Axis {
  readonly y: (value: number) => number;
  readonly parts: readonly string[];
}

/** From 0, or from below where values are negative, to a round number above all values. */
function axisOf(series: readonly NamedValues[], title: string, kind: ValueKind): Axis {
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  const low = Math.min(0, ...values);
  const high = kind === "share" ? Math.max(1, ...values) : roundAbove(Math.max(...values, 1e-9));
  const { left, right, top, width, plotHeight } = frame;
  const y = (value: number) => top + plotHeight * (1 - (value - low) / (high - low));
  const parts = Array.from({ length: ticks + 1 }, (_, i) => {
    const value = low + (i * (high - low)) / ticks;
    const label = kind === "share" ? (100 * value).toFixed(0) : String(Number(value.toPrecision(2)));
    return (
      `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#ddd"/>` +
      textAt(left - 8, y(value) + 4, label, 'text-anchor="end"')
    );
  });
  return {
    y,
    parts: [...parts, textAt(12, top - 16, kind === "share" ? `${title}, %` : title, 'fill="#555"')],
  };
}

/** 1, 2, 2.5 or 5 times a power of ten. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10) * power;
}

/** Names beside their colours, one line each. */
function legend(names: readonly string[], from: number): string[] {
  return names.map((name, i) => {
    const y = from + i * frame.legendLine;
    return (
      `<rect x="${frame.left}" y="${y - 9}" width="12" height="10" fill="${colourOf(i)}"/>` +
      textAt(frame.left + 18, y, name)
    );
  });
}

/** Below the plot: names of positions, what they are, the legend. */
const below = { names: 18, title: 38, legend: 62 };

function heightOf(series: readonly NamedValues[]): number {
  return frame.top + frame.plotHeight + below.legend + series.length * frame.legendLine;
}

function linesSvg({ title, x, y, series }: LinesPlot): string {
  const { left, right, top, width, plotHeight } = frame;
  const axis = axisOf(series, y.title, y.kind);
  const bottom = top + plotHeight;
  const at = (i: number) => left + ((i + 0.5) * (width - left - right)) / x.values.length;
  const curves = series.map(({ values }, number) => {
    const points = values.flatMap((value, i) =>
      value === null ? [] : [`${at(i).toFixed(1)},${axis.y(value).toFixed(1)}`],
    );
    const dots = points.map((point) => {
      const [cx, cy] = point.split(",");
      return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colourOf(number)}"/>`;
    });
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colourOf(number)}" stroke-width="2"/>${dots.join("")}`;
  });
  return titled(width, heightOf(series), title, [
    ...axis.parts,
    ...x.values.map((name, i) => textAt(at(i), bottom + below.names, name, 'text-anchor="middle"')),
    textAt((left + width - right) / 2, bottom + below.title, x.title, 'text-anchor="middle" fill="#555"'),
    ...curves,
    ...legend(
      series.map(({ name }) => name),
      bottom + below.legend,
    ),
  ]);
}

function barsSvg({ title, groups, y, series }: BarsPlot): string {
  const { left, right, top, width, plotHeight } = frame;
  const axis = axisOf(series, y.title, y.kind);
  const bottom = top + plotHeight;
  const group = (width - left - right) / groups.length;
  const bar = (0.8 * group) / series.length;
  const bars = series.flatMap(({ values }, number) =>
    values.flatMap((value, i) => {
      if (value === null) return [];
      const [from, to] = [axis.y(0), axis.y(value)];
      const x = left + (i + 0.1) * group + number * bar;
      return `<rect x="${x.toFixed(1)}" y="${Math.min(from, to).toFixed(1)}" width="${(0.9 * bar).toFixed(1)}" height="${Math.abs(to - from).toFixed(1)}" fill="${colourOf(number)}"/>`;
    }),
  );
  return titled(width, heightOf(series), title, [
    ...axis.parts,
    ...groups.map((name, i) =>
      textAt(left + (i + 0.5) * group, bottom + below.names, name, 'text-anchor="middle" font-size="11"'),
    ),
    ...bars,
    ...legend(
      series.map(({ name }) => name),
      bottom + below.legend,
    ),
  ]);
}

const heat = { cell: 40, wide: 22, manyNames: 12, top: 48 };

/** White for 0, dark blue for 1. */
function shade(value: number): string {
  const share = Math.min(1, Math.max(0, value));
  const channel = (full: number) => Math.round(255 + share * (full - 255));
  return `rgb(${channel(16)},${channel(74)},${channel(140)})`;
}

function heatSvg({ title, rows, columns, values }: HeatPlot): string {
  const isSmall = columns.names.length <= heat.manyNames;
  const cell = isSmall ? heat.cell : heat.wide;
  const left = 30 + letterWidth * Math.max(...rows.names.map((name) => name.length));
  const names = 10 + letterWidth * Math.max(...columns.names.map((name) => name.length));
  const [width, bottom] = [left + columns.names.length * cell, heat.top + rows.names.length * cell];
  const cells = values.flatMap((row, i) =>
    row.flatMap((value, j) => {
      if (value === null) return [];
      const [x, y] = [left + j * cell, heat.top + i * cell];
      const square = `<rect x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" fill="${shade(value)}"/>`;
      if (!isSmall) return [square];
      const colour = value > 0.5 ? "white" : "#333";
      const label = textAt(
        x + cell / 2,
        y + cell / 2 + 4,
        value.toFixed(2),
        `text-anchor="middle" font-size="11" fill="${colour}"`,
      );
      return [square, label];
    }),
  );
  return titled(Math.max(width + 20, 12 + 8 * title.length), bottom + names + 20, title, [
    textAt(12, heat.top - 8, `rows: ${rows.title}; columns: ${columns.title}`, 'fill="#555"'),
    ...rows.names.map((name, i) =>
      textAt(left - 6, heat.top + (i + 0.5) * cell + 4, name, 'text-anchor="end"'),
    ),
    ...columns.names.map((name, j) => {
      const [x, y] = [left + (j + 0.5) * cell + 4, bottom + 8];
      return textAt(x, y, name, `text-anchor="end" transform="rotate(-90 ${x.toFixed(1)} ${y.toFixed(1)})"`);
    }),
    ...cells,
  ]);
}
