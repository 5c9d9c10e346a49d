/** Exact nearest neighbours among 100,000 embeddings of 512 numbers, for a batch of 100 queries. */
import { Generator, randn, scope, tuneProcess } from "@salmask/torch";
import { NearestRows } from "../packages/salmask/src/metrics/nearest.js";
import { median, type Row } from "./rows.js";

const [photos, numbers, queries, count, rounds] = [100_000, 512, 100, 10, 9];

function milliseconds(work: () => void): number {
  const start = performance.now();
  scope(work);
  return performance.now() - start;
}

export async function run(): Promise<Row[]> {
  tuneProcess();
  return scope(() => {
    const generator = new Generator(1);
    const [bank, asked] = [photos, queries].map((rows) => randn([rows, numbers], { generator }));
    const made = Array.from({ length: rounds }, () =>
      milliseconds(() => new NearestRows(bank)[Symbol.dispose]()),
    );
    using index = new NearestRows(bank);
    const find = () => void index.find(asked, count);
    find();
    const found = Array.from({ length: rounds }, () => milliseconds(find));
    const alone = { unit: "ms", peer: null, ratio: null };
    const of = `${photos.toLocaleString("en-US")} embeddings of ${numbers}`;
    return [
      { name: `scale ${of} to length one, once`, ours: median(made), ...alone },
      { name: `${count} nearest of ${queries} queries among ${of}`, ours: median(found), ...alone },
    ];
  });
}
