import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { toSvg } from "../../src/experiment/plot.js";
import { tabulate, toMarkdown } from "../../src/experiment/table.js";
import { temporaryFolder } from "../support/photos.js";
import { planOf, scored } from "./results.js";

const script = resolve(import.meta.dirname, "../../../../scripts/study-page.mjs");
const text = `question: Does it help?
name: Study of two
seeds: [0, 1]
# Nothing but the mask differs.
# Two seeds.
base:
  mask: { fill: mean }
rows: [{ name: plain }, { name: better }]
`;

it("makes a page of an experiment's results, and later replaces the results alone", async () => {
  const folder = await temporaryFolder();
  for (const name of ["experiments/studies", "runs/two"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "experiments/studies/two.yaml"), text);
  const plan = await planOf(text);
  const write = (better: number) => {
    const results = [...scored("plain", [40, 41]), ...scored("better", [better, better + 1])];
    const rows = tabulate(plan, results);
    writeFileSync(join(folder, "runs/two/table.md"), toMarkdown(plan, rows, results));
    writeFileSync(join(folder, "runs/two/plot.svg"), toSvg(plan, rows));
  };
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: "utf8" });
  const page = () => readFileSync(join(folder, "docs/studies/two.md"), "utf8");

  expect(run("two")).toMatchObject({ status: 2, stderr: expect.stringContaining("runs/two/table.md") });
  expect(run("three")).toMatchObject({ status: 2, stderr: expect.stringContaining("three.yaml") });
  write(50);
  expect(run("two")).toMatchObject({ status: 0, stderr: "" });
  const made = page();
  expect(made).toMatch(
    /^# Study of two\n\n\*\*Question\.\*\* Does it help\?\n\n\*\*Design\.\*\* Nothing but/,
  );
  expect(made).toContain(
    "differs.\nTwo seeds.\n\n```sh\nnpx salmask experiment experiments/studies/two.yaml",
  );
  expect(made).toContain("| better | 2 | 50.00 ± 0.00 | 50.50 ± 6.35 |");
  expect(made).toContain("![the scores with their intervals](two.svg)");
  expect(readFileSync(join(folder, "docs/studies/two.svg"), "utf8")).toContain("Study of two");

  writeFileSync(join(folder, "docs/studies/two.md"), `${made}\nIt shows nothing.\n`);
  write(60);
  expect(run("two").status).toBe(0);
  expect(page()).toBe(
    `${made.replace("50.00 ± 0.00 | 50.50", "50.00 ± 0.00 | 60.50").replace("+10.00", "+20.00")}\nIt shows nothing.\n`,
  );
});
