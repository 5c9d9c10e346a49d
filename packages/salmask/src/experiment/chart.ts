import { colours, limits, picture, textAt, ticks } from "../base/svg.js";

/** A score at a place. */
export interface Point {
  readonly x: number;
  /** In percent. */
  readonly y: number;
  /** Half the width of the interval of `y`, and of `x`; null if there is none. */
  readonly half: number | null;
  readonly across: number | null;
  readonly label: string;
}

export interface ChartOptions {
  readonly title: string;
  /** The title of the axis. */
  readonly axis: string;
  /** The names of the places 0, 1, ... of the axis, whose points are joined; null if the axis shows numbers. */
  readonly places: readonly string[] | null;
  readonly series: readonly { readonly name: string; readonly points: readonly Point[] }[];
  /** Lines across the chart. */
  readonly levels: readonly { readonly name: string; readonly y: number }[];
}

const [width, height] = [640, 400];
const area = { left: 56, right: 616, top: 44, bottom: 320 };

/** Draws scores over an axis, with their intervals. */
export function chart({ title, axis, places, series, levels }: ChartOptions): string {
  const points = series.flatMap((one) => one.points);
  const ends = (value: number, half: number | null) => [value - (half ?? 0), value + (half ?? 0)];
  const vertical = limits([...points.flatMap(({ y, half }) => ends(y, half)), ...levels.map(({ y }) => y)]);
  const horizontal =
    places === null
      ? around(points.flatMap(({ x, across }) => ends(x, across)))
      : { low: -0.5, high: places.length - 0.5 };
  const place = (value: number, { low, high }: typeof vertical, from: number, to: number) =>
    (from + ((value - low) / (high - low)) * (to - from)).toFixed(1);
  const x = (value: number) => place(value, horizontal, area.left, area.right);
  const y = (value: number) => place(value, vertical, area.bottom, area.top);
  const rows = ticks(vertical).map(
    (tick) =>
      `<line x1="${area.left}" x2="${area.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>` +
      textAt(area.left - 8, y(tick), tick.toFixed(1), 'dy="4" text-anchor="end"'),
  );
  const columns =
    places === null
      ? ticks(horizontal).map((tick) => ({ at: tick, text: tick.toPrecision(3) }))
      : places.map((text, at) => ({ at, text }));
  const foot = columns.map(({ at, text }) => textAt(x(at), area.bottom + 18, text, 'text-anchor="middle"'));
  const lines = series.flatMap(({ points: own }, i) => {
    const colour = colours[i % colours.length];
    const path = own.map((point) => `${x(point.x)},${y(point.y)}`).join(" ");
    return [
      ...(places === null ? [] : [`<polyline points="${path}" fill="none" stroke="${colour}"/>`]),
      ...own.map((point) => mark(point, colour)),
    ];
  });
  const across = levels.map(
    (level) =>
      `<line x1="${area.left}" x2="${area.right}" y1="${y(level.y)}" y2="${y(level.y)}" stroke="#555" stroke-dasharray="4 3"/>` +
      textAt(area.right, y(level.y), level.name, 'dy="-4" text-anchor="end" fill="#555"'),
  );
  return picture({ width, height, title }, [
    textAt(area.left, 20, title, 'font-size="14"'),
    ...rows,
    ...foot,
    textAt((area.left + area.right) / 2, area.bottom + 38, axis, 'text-anchor="middle"'),
    ...across,
    ...lines,
    ...legend(series.map(({ name }) => name)),
  ]);

  function mark(point: Point, colour: string): string {
    const [low, high] = ends(point.y, point.half).map(y);
    const [left, right] = ends(point.x, point.across).map(x);
    return (
      `<line x1="${x(point.x)}" x2="${x(point.x)}" y1="${low}" y2="${high}" stroke="${colour}" stroke-width="2" opacity="0.5"/>` +
      `<line x1="${left}" x2="${right}" y1="${y(point.y)}" y2="${y(point.y)}" stroke="${colour}" stroke-width="2" opacity="0.5"/>` +
      `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="4" fill="${colour}"/>` +
      textAt(x(point.x), y(point.y), point.label, 'dx="7" dy="-5"')
    );
  }
}

/** The numbers' range with a tenth of it on each side. */
function around(values: readonly number[]): { low: number; high: number } {
  if (values.length === 0) return { low: 0, high: 1 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.1 * (high - low) || Math.abs(low) || 1;
  return { low: low - room, high: high + room };
}

/** The series' names in their colours, under the axis; none if they have no names. */
function legend(names: readonly string[]): string[] {
  return names.flatMap((name, i) => {
    if (name === "") return [];
    const x = area.left + (i % 4) * 145;
    const y = area.bottom + 60 + Math.floor(i / 4) * 16;
    return [
      `<circle cx="${x}" cy="${y - 4}" r="4" fill="${colours[i % colours.length]}"/>` +
        textAt(x + 9, y, name),
    ];
  });
}
