/** The result type of every part of the benchmark, and the timing of pairs. */

export interface Row {
  name: string;
  unit: string;
  ours: number;
  /** The result of the same work in Python, in the same run; null if there is none. */
  peer: number | null;
  /** ours / peer. */
  ratio: number | null;
  /** The peer's fastest way, if it has several. */
  won?: string;
  /** The peer with its defaults, if it has several ways. */
  plain?: number;
  /** ours / plain. */
  plainRatio?: number;
}

/** The options of a part of the benchmark. */
export interface Options {
  /** Measures only names that contain this text. */
  only: string;
  /** Number of counted rounds; in each round both sides are measured. */
  rounds: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Times ours and the peer in turn, after one round that is not counted, and takes medians. */
export async function pair(
  what: { name: string; unit: string; rounds?: number },
  ours: () => number,
  peer: () => Promise<number>,
): Promise<Row> {
  ours();
  await peer();
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < (what.rounds ?? 9); round++) {
    times.ours.push(ours());
    times.peer.push(await peer());
  }
  const [mine, theirs] = [median(times.ours), median(times.peer)];
  return { name: what.name, unit: what.unit, ours: mine, peer: theirs, ratio: mine / theirs };
}

const figure = (value: number | null | undefined) =>
  value === null || value === undefined ? "-" : String(Number(value.toPrecision(4)));

export function table(rows: readonly Row[]): string {
  const hasWays = rows.some(({ won }) => won !== undefined);
  const ofWays = (cells: readonly string[]) => (hasWays ? cells : []);
  const cells = [
    ["name", "unit", "ours", "peer", "ratio", ...ofWays(["peer's way", "by default", "ratio"])],
    ...rows.map((row) => [
      row.name,
      row.unit,
      figure(row.ours),
      figure(row.peer),
      figure(row.ratio),
      ...ofWays([row.won ?? "-", figure(row.plain), figure(row.plainRatio)]),
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const pad = (cell: string, column: number) =>
    column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return cells.map((line) => line.map(pad).join("  ")).join("\n");
}
