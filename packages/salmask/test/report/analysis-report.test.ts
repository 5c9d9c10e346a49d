import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import type { Analysis } from "../../src/analysis/analyse.js";
import { numbersOf, writeAnalysis } from "../../src/report/analysis-report.js";
import { temporaryFolder } from "../support/photos.js";

const red = { kind: "rgb", data: Float32Array.of(1, 0, 0), height: 1, width: 1 } as const;
const bright = { kind: "heat", data: Float32Array.of(2), height: 1, width: 1, top: 2 } as const;
const rows = [
  { name: "a | b", values: [0.25, null, 12] },
  { name: "<c>", values: [1, -0.5, 3] },
];

const analysis: Analysis = {
  seed: 3,
  photos: { path: "/photos", classes: ["x", "y"], learned: 20, scored: 100, hasMasks: true },
  encoders: [{ name: "a | b", run: "/runs/a", arch: "resnet18", crop: 32, fill: "mean" }],
  outcomes: [
    {
      kind: "measured",
      ...{ name: "rank", shows: "What it shows.", source: "Someone 2020", seconds: 1 },
      tables: [
        {
          title: "a table",
          columns: [
            { title: "share", kind: "share" },
            { title: "number", kind: "number" },
            { title: "count", kind: "count" },
          ],
          rows,
        },
      ],
      plots: [
        {
          kind: "bars",
          title: "Bars",
          groups: ["p", "q", "r"],
          y: { title: "y", kind: "number" },
          series: rows,
        },
        {
          kind: "lines",
          title: "Lines",
          x: { title: "x", values: ["1", "2", "3"] },
          y: { title: "y", kind: "share" },
          series: rows,
        },
        {
          kind: "heat",
          title: "Heat & more",
          rows: { title: "r", names: ["x", "y"] },
          columns: { title: "c", names: ["x", "y"] },
          values: [
            [1, 0],
            [null, 0.5],
          ],
        },
      ],
      sheets: [
        {
          title: "Sheet",
          columns: [
            { title: "red", pictures: [red] },
            { title: "a title that is too long for its column", pictures: [bright] },
          ],
        },
      ],
      notes: ["A note."],
    },
    { kind: "skipped", name: "cka", shows: "Likeness.", source: "Others 2019", why: "it needs two" },
  ],
  waiting: ["shape"],
};

it("writes a page with tables, plots and pictures, and the numbers without pictures", async () => {
  const out = await temporaryFolder();
  await writeAnalysis(out, analysis);
  const page = readFileSync(join(out, "analysis.md"), "utf8");
  expect(page).toContain("| a \\| b | 25.0 |  | 12 |");
  expect(page).toContain("| <c> | 100.0 | -0.500 | 3 |");
  expect(page).toContain("known to ± 9.8 points at most");
  expect(page).toContain("Left out: it needs two.");
  expect(page).toContain("Not made yet: shape.");
  expect(JSON.parse(readFileSync(join(out, "analysis.json"), "utf8"))).toEqual(
    JSON.parse(JSON.stringify(numbersOf(analysis))),
  );
  expect(readFileSync(join(out, "analysis.json"), "utf8")).not.toContain("sheets");
  const files = Array.from(page.matchAll(/!\[.*?\]\((.*?)\)/g), ([, file]) => file);
  expect(files).toEqual(["rank-bars.svg", "rank-lines.svg", "rank-heat-more.svg", "rank-sheet.png"]);
  for (const file of files) {
    const { width, height } = await sharp(join(out, file)).metadata();
    expect(Math.min(width, height)).toBeGreaterThan(50);
  }
  const { data, info } = await sharp(join(out, "rank-sheet.png")).raw().toBuffer({ resolveWithObject: true });
  const pixel = (x: number, y: number) =>
    Array.from(data.subarray((y * info.width + x) * info.channels).subarray(0, 3));
  expect(pixel(50, 60)).toEqual([255, 0, 0]);
  expect(pixel(170, 60)).toEqual([255, 230, 0]);
});

it("draws bars as high as their values, on both sides of zero", async () => {
  const out = await temporaryFolder();
  await writeAnalysis(out, analysis);
  const svg = readFileSync(join(out, "rank-bars.svg"), "utf8");
  const heights = Array.from(
    svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)" fill="#/g),
    ([, height]) => Number(height),
  ).slice(0, 5);
  const [quarter, twelve, one, minusHalf, three] = heights;
  expect(twelve / quarter).toBeCloseTo(48, -1);
  expect(one / minusHalf).toBeCloseTo(2, 1);
  expect(three / one).toBeCloseTo(3, 1);
});
