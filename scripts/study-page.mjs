// Takes the result of a study into its page: the table and the plot that `salmask experiment` left in the runs' folder.
// Usage, in the repository: node scripts/study-page.mjs NAME [RUNS]
// NAME is a file of experiments/studies; RUNS is the folder of its runs, runs/NAME by default. A new page gets the question, the design (the
// comment above `base:`) and the command too; of a page that exists, the part between the two marks alone is replaced.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const marks = ["<!-- result -->", "<!-- end of result -->"];

const [name, runs = join("runs", name ?? "")] = process.argv.slice(2);
const study = join("experiments/studies", `${name}.yaml`);
if (name === undefined || !existsSync(study)) fail(`Expected the name of a study, got no file ${study}.`);
const [table, plot] = ["table.md", "plot.svg"].map((file) => join(runs, file));
for (const file of [table, plot]) {
  if (!existsSync(file))
    fail(`Expected a result at ${file}. Run: npx salmask experiment ${study} --out ${runs}`);
}

const lines = readFileSync(table, "utf8").trim().split("\n");
const first = lines.findIndex((line) => line.startsWith("|"));
const [said, found] = [lines.slice(0, first).join("\n").trim(), lines.slice(first).join("\n")];
const result = `${marks[0]}\n\n${found}\n\n![the scores with their intervals](${name}.svg)\n\n${marks[1]}`;

const page = join("docs/studies", `${name}.md`);
mkdirSync("docs/studies", { recursive: true });
copyFileSync(plot, join("docs/studies", `${name}.svg`));
writeFileSync(page, existsSync(page) ? replaced(readFileSync(page, "utf8")) : newPage());
console.log(
  `${page} has the result. Below it, say what it shows and what it does not, on which hardware, and when.`,
);

function replaced(text) {
  const [from, to] = marks.map((mark) => text.indexOf(mark));
  if (from < 0 || to < from)
    fail(`Expected ${marks.join(" and ")} in ${page}, which the result stands between.`);
  return text.slice(0, from) + result + text.slice(to + marks[1].length);
}

function newPage() {
  const yaml = readFileSync(study, "utf8").split("\n");
  const base = yaml.indexOf("base:");
  let start = base;
  while (start > 0 && yaml[start - 1].startsWith("#")) start--;
  const design = yaml.slice(start, base).map((line) => line.replace(/^# ?/, ""));
  return [
    said,
    "",
    ...(design.length === 0 ? [] : [`**Design.** ${design.join("\n")}`, ""]),
    "```sh",
    `npx salmask experiment ${study} --jobs 2`,
    "```",
    "",
    result,
    "",
  ].join("\n");
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
