import { colours, limits, picture, textAt, ticks } from "../base/svg.js";
import { chart, type Point } from "./chart.js";
import type { Plan } from "./plan.js";
import type { TableRow } from "./table.js";

/**
 * The plot of an experiment, as SVG: the score against a logged number, curves if rows have places on an axis, otherwise
 * one dot per row; each with its 95 % interval.
 */
export function toSvg(plan: Plan, rows: readonly TableRow[]): string {
  if (plan.against !== null) return scatter(plan, rows);
  return plan.rows.some(({ at }) => at !== null) ? curves(plan, rows) : dots(plan, rows);
}

const title = ({ name, measure }: Plan) => `${name}: ${measure} top-1, %`;

/** One point per row, with its name. */
function scatter(plan: Plan, rows: readonly TableRow[]): string {
  const text = plan.against?.text ?? "";
  const points = rows.flatMap((row): Point[] => {
    const [x, y] = [row.logs[text], row[plan.measure]];
    return x === null || y === null
      ? []
      : [{ x: x.mean, y: y.mean, half: y.halfWidth, across: x.halfWidth, label: row.name }];
  });
  return chart({ title: title(plan), axis: text, places: null, series: [{ name: "", points }], levels: [] });
}

/** Places that are numbers (`infinite` is one) from low to high, others in the rows' order. */
function placesOf({ rows }: Plan): string[] {
  const places = [...new Set(rows.flatMap(({ at }) => at ?? []))];
  const value = (place: string) => (place === "infinite" ? Number.POSITIVE_INFINITY : Number(place));
  return places.some((place) => Number.isNaN(value(place)))
    ? places
    : places.sort((a, b) => value(a) - value(b));
}

/** One curve per name of a curve; rows without a place are levels across the picture. */
function curves(plan: Plan, rows: readonly TableRow[]): string {
  const places = placesOf(plan);
  const names = [...new Set(plan.rows.filter(({ at }) => at !== null).map(({ curve }) => curve))];
  const scored = plan.rows.map((row, i) => ({ ...row, score: rows[i][plan.measure] }));
  const series = names.map((name) => ({
    name,
    points: scored
      .flatMap(({ at, curve, score }): Point[] =>
        at === null || curve !== name || score === null
          ? []
          : [{ x: places.indexOf(at), y: score.mean, half: score.halfWidth, across: null, label: "" }],
      )
      .sort((a, b) => a.x - b.x),
  }));
  const levels = scored.flatMap(({ at, name, score }) =>
    at !== null || score === null ? [] : [{ name, y: score.mean }],
  );
  return chart({ title: title(plan), axis: plan.axis, places, series, levels });
}

const layout = { width: 640, left: 220, right: 24, top: 44, row: 28, bottom: 36 };

/** One dot with a 95 % interval per row. Rows without a result have a name only. */
function dots(plan: Plan, rows: readonly TableRow[]): string {
  const { width, left, right, top, row: step, bottom } = layout;
  const height = top + rows.length * step + bottom;
  const range = limits(
    rows.flatMap((row) => {
      const value = row[plan.measure];
      return value === null ? [] : [value.mean - (value.halfWidth ?? 0), value.mean + (value.halfWidth ?? 0)];
    }),
  );
  const span = range.high - range.low;
  const x = (value: number) => (left + ((value - range.low) / span) * (width - left - right)).toFixed(1);
  const axis = ticks(range).map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top - 8}" y2="${height - bottom}" stroke="#ddd"/>` +
      textAt(x(tick), height - bottom + 18, tick.toFixed(1), 'text-anchor="middle"'),
  );
  const [colour] = colours;
  const marks = rows.map((row, i) => {
    const y = top + (i + 0.5) * step;
    const name = textAt(left - 12, y + 4, row.name, 'text-anchor="end"');
    const value = row[plan.measure];
    if (value === null) return name;
    const half = value.halfWidth ?? 0;
    return (
      `${name}<line x1="${x(value.mean - half)}" x2="${x(value.mean + half)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3"/>` +
      `<circle cx="${x(value.mean)}" cy="${y}" r="5" fill="${colour}"/>`
    );
  });
  return picture({ width, height, title: title(plan) }, [
    textAt(left, 20, title(plan), 'font-size="14"'),
    ...axis,
    ...marks,
  ]);
}
