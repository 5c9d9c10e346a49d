import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { readPlan } from "../../src/experiment/plan.js";
import { temporaryFolder } from "../support/photos.js";
import { finish } from "./results.js";

const root = resolve(import.meta.dirname, "../../../..");
const text = `name: two
seeds: [0, 1]
decide: { looks: [2], least: 2, hypotheses: [{ name: H1, claim: masks help, row: masked, over: plain }] }
rows: [{ name: plain, set: { mask.fill: none } }, { name: masked }]
`;
const page = (result: string) =>
  `# Evidence\n\n<!-- result of photos -->\n${result}<!-- end of result of photos -->\n\nNo more.\n`;

it("runs the design, and takes its decisions into the page", async () => {
  const folder = await temporaryFolder();
  for (const name of ["experiments/evidence", "docs", "set/train"])
    mkdirSync(join(folder, name), { recursive: true });
  const [file, docs] = ["experiments/evidence/photos.yaml", "docs/evidence.md"].map((name) =>
    join(folder, name),
  );
  writeFileSync(file, text);
  writeFileSync(docs, page("old\n"));
  const set = join(folder, "set");
  const plan = readPlan(file, { photos: join(set, "train"), probe: set });
  await finish(plan, join(folder, "out"), "plain", [40, 41]);
  await finish(plan, join(folder, "out"), "masked", [50, 51.1]);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, "scripts/evidence.mjs"), ...args], {
      cwd: folder,
      encoding: "utf8",
    });

  expect(run("--scale", "large")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("small or photos"),
  });
  expect(run("--scale", "photos")).toMatchObject({ status: 2, stderr: expect.stringContaining("--photos") });
  const asked = ["--scale", "photos", "--photos", "set", "--out", "out", "--minutes", "5"];
  expect(run(...asked, "--write")).toMatchObject({ status: 0, stdout: expect.stringContaining("**shown**") });
  const decisions = readFileSync(join(folder, "out/decisions.md"), "utf8").trim();
  const written = readFileSync(docs, "utf8");
  expect(written.startsWith(page("").split("\n<!-- end")[0])).toBe(true);
  expect(written).toContain(`\n\n${decisions}\n\n| row | seeds |`);
  expect(written).toContain("| masked | 2 | 50.00 ± 0.00 |");
  expect(
    readFileSync(join(folder, "experiments/evidence/photos.jsonl"), "utf8").trim().split("\n"),
  ).toHaveLength(4);
  expect(written.endsWith("<!-- end of result of photos -->\n\nNo more.\n")).toBe(true);
});
