import { describe, expect, it } from "vitest";
import { toSvg } from "../../src/experiment/plot.js";
import { tabulate } from "../../src/experiment/table.js";
import { planOf, scored } from "./results.js";

/** The numbers of an attribute in the elements of a name, in their order. */
const numbersOf = (svg: string, element: string, attribute: string) =>
  Array.from(svg.matchAll(new RegExp(`<${element} [^>]*?\\b${attribute}="([\\d.-]+)"`, "g")), ([, value]) =>
    Number(value),
  );

describe("toSvg", () => {
  it("draws a curve per name over the places from low to high, and rows without a place as levels", async () => {
    const plan = await planOf(`
name: odds
seeds: [0, 1]
axis: odds of <object>
rows:
  - { name: no mask }
  - { name: ai, at: infinite, curve: low }
  - { name: a0, at: 0, curve: low }
  - { name: a1, at: 1, curve: low }
  - { name: b1, at: 1, curve: high }
  - { name: b0, at: 0, curve: high }
`);
    const means = { "no mask": 30, a0: 20, a1: 40, ai: 25, b1: 22, b0: 35 };
    const results = Object.entries(means).flatMap(([row, mean]) => scored(row, [mean - 0.1, mean + 0.1]));
    const svg = toSvg(plan, tabulate(plan, results));
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    const [x, y] = ["cx", "cy"].map((attribute) => numbersOf(svg, "circle", attribute).slice(0, 5));
    // Three places in equal steps; the second curve is sorted by place.
    expect(x[1] - x[0]).toBeCloseTo(x[2] - x[1], 0);
    expect([x[3], x[4]]).toEqual([x[0], x[1]]);
    // Higher scores are higher up, in proportion.
    const perPoint = (y[0] - y[1]) / 20;
    expect(perPoint).toBeGreaterThan(0);
    for (const [i, mean] of [20, 40, 25, 35, 22].entries()) {
      expect(Math.abs(y[i] - (y[0] - (mean - 20) * perPoint))).toBeLessThan(0.3);
    }
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
    for (const text of [">no mask<", ">low<", ">high<", ">infinite<", "odds of &lt;object&gt;"]) {
      expect(svg).toContain(text);
    }
  });

  it("keeps places that are not numbers in the rows' order", async () => {
    const plan = await planOf("name: words\nseeds: [0]\nrows: [{ name: b, at: much }, { name: a, at: 1 }]");
    const svg = toSvg(plan, tabulate(plan, [...scored("b", [20]), ...scored("a", [30])]));
    expect(svg.indexOf(">much<")).toBeLessThan(svg.indexOf(">1<"));
    const [much, one] = numbersOf(svg, "circle", "cx");
    expect(much).toBeLessThan(one);
  });

  it("draws rows against a logged number, with their names", async () => {
    const plan = await planOf(
      "name: gain\nseeds: [0, 1]\nlogs: [iou]\nagainst: iou\nrows: [{ name: a }, { name: b }, { name: c }]",
    );
    const at = (iou: number) => [{ iou: iou - 0.01 }, { iou: iou + 0.01 }];
    const results = [
      ...scored("a", [20, 21], at(0.2)),
      ...scored("b", [25, 26], at(0.4)),
      ...scored("c", [9, 9]),
    ];
    const svg = toSvg(plan, tabulate(plan, results));
    const [x, y] = ["cx", "cy"].map((attribute) => numbersOf(svg, "circle", attribute));
    expect(x).toHaveLength(2); // no run of c logged it
    expect(x[0]).toBeLessThan(x[1]);
    expect(y[0]).toBeGreaterThan(y[1]);
    expect(svg).not.toContain("<polyline");
    for (const text of [">a<", ">b<", ">iou<"]) expect(svg).toContain(text);
  });

  it("stays a picture without any result", async () => {
    const plan = await planOf("name: none\nrows: [{ name: a, at: 1 }, { name: b }]");
    expect(toSvg(plan, tabulate(plan, []))).not.toMatch(/NaN|Infinity/);
  });
});
