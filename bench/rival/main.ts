/** `npm run bench -- rival`: plain MoCo v2 here and in PyTorch alone, on the same photos, in turn, each scored in the same way. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findPython } from "../../packages/torch/test/support/python.js";
import { peerEnvironment } from "../peer-environment.js";
import { takePhotos } from "./photos.js";
import { recipeOf, type SideName, sides, type Trained, type TrainTask } from "./recipe.js";
import { pairedVerdict, type Result, rivalTable, verdict } from "./verdict.js";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const salmask = at("../../packages/salmask/bin/salmask.js");

interface Asked {
  readonly data: string;
  readonly out: string;
  readonly photos: number;
  readonly epochs: number;
  readonly seeds: number;
  readonly threads: number;
  /** Whether PyTorch begins with our weights and sees our views. */
  readonly isPaired: boolean;
}

function usage(fault: string): never {
  console.error(
    [
      fault,
      "Usage: npm run bench -- rival [--data PATH] [--photos N] [--epochs N] [--seeds N] [--threads N] [--paired] [--out FOLDER]",
      "--data: CIFAR-10 as JPEGs, train/CLASS/N.jpg and test/CLASS/N.jpg, a folder or an archive of it (default: ../shared/data/cifar10-jpg.tar.gz).",
      "--photos 512 --epochs 1 --seeds 1 tries it in a minute (default: 10000, 10, 3). --threads: default all cores.",
      "--paired: PyTorch begins with our weights and sees our views, which leaves only the computing to differ; such times are not compared.",
      "--out (default: runs/rival, or runs/rival-paired) keeps each side's result of each seed; the same command goes on with those that are left.",
    ].join("\n"),
  );
  process.exit(2);
}

function readArguments(args: readonly string[]): Asked {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: "string", default: "../shared/data/cifar10-jpg.tar.gz" },
        out: { type: "string" },
        paired: { type: "boolean", default: false },
        photos: { type: "string", default: "10000" },
        epochs: { type: "string", default: "10" },
        seeds: { type: "string", default: "3" },
        threads: { type: "string", default: String(availableParallelism()) },
      },
    });
    const count = (name: "photos" | "epochs" | "seeds" | "threads") => {
      const number = Number(values[name]);
      if (!Number.isSafeInteger(number) || number < 1)
        usage(`Expected a whole number from 1 for --${name}, got ${values[name]}`);
      return number;
    };
    const { paired: isPaired, out = isPaired ? "runs/rival-paired" : "runs/rival" } = values;
    const data = resolve(values.data);
    if (!existsSync(data)) usage(`Expected CIFAR-10 at ${data}, got nothing there; name it with --data`);
    return {
      data,
      out: resolve(out),
      photos: count("photos"),
      epochs: count("epochs"),
      seeds: count("seeds"),
      threads: count("threads"),
      isPaired,
    };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

/** The last line that a process prints. Its messages go to standard error. */
async function answerOf(command: string, args: readonly string[], env = process.env): Promise<string> {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (data) => {
    said += data;
  });
  const code = await new Promise<number | null>((done, fail) => child.on("close", done).on("error", fail));
  if (code !== 0) throw new Error(`Expected ${command} ${args[0]} to end with 0, got ${code}.`);
  return said.trim();
}

const peer = (task: object) =>
  answerOf(findPython(), [at("peer.py"), JSON.stringify(task)], peerEnvironment());
const ours = (task: TrainTask) =>
  answerOf(process.execPath, ["--import", "tsx", at("ours.ts"), JSON.stringify(task)]);

function keep(path: string, value: object): void {
  writeFileSync(`${path}.part`, JSON.stringify(value, null, 2));
  renameSync(`${path}.part`, path);
}

/** What an earlier call has kept at a path, or else what `make` makes. */
async function kept<T extends object>(path: string, make: () => Promise<T>): Promise<T> {
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const made = await make();
  keep(path, made);
  return made;
}

/** Results of other settings must not come into one table. */
function refuseOthers({ out, data, photos, epochs, threads, isPaired }: Asked): void {
  const path = join(out, "settings.json");
  const wanted = JSON.stringify({ data, recipe: recipeOf({ epochs, threads, seed: 0 }), photos, isPaired });
  if (!existsSync(path)) writeFileSync(path, wanted);
  else if (readFileSync(path, "utf8") !== wanted)
    usage(`Expected the settings with which ${out} was begun, got others; name another folder with --out`);
}

interface Ways {
  /** Seconds of a step for each way of the peer. */
  readonly ways: Readonly<Record<string, number>>;
  readonly torch: string;
}

/** What PyTorch's side of pairs is given. */
function givenTo(task: TrainTask): { given: { command: readonly string[]; start: string } } {
  const start = join(task.out, "start.safetensors");
  const command = [process.execPath, "--import", "tsx", at("show-views.ts"), JSON.stringify(task), start];
  return { given: { command, start } };
}

async function resultOf(
  side: SideName,
  way: string,
  { task, labelled, isPaired }: { task: TrainTask; labelled: string; isPaired: boolean },
): Promise<Result> {
  const { out } = task;
  const { seed } = task.config;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  const started = performance.now();
  const trained: Trained = JSON.parse(
    await (side === "ours"
      ? ours(task)
      : peer({ ...task, ...(isPaired ? givenTo(task) : {}), do: "train", way })),
  );
  const whole = (performance.now() - started) / 1000;
  const files = readdirSync(out, { recursive: true, encoding: "utf8" });
  const weights = files.find((name) => /^(export\/.*\.safetensors|encoder\.pth)$/.test(name));
  if (weights === undefined) throw new Error(`Expected an encoder in ${out}, got ${files.join(", ")}.`);
  // Both encoders come as files from elsewhere, and are scored as those are.
  const encoder = join(out, "encoder");
  const cache = join(out, "..", "cache");
  const crop = String(task.config.data.crop);
  await answerOf(process.execPath, [salmask, "import", join(out, weights), "--out", encoder, "--crop", crop]);
  const probe = [salmask, "probe", encoder, labelled, "--seed", String(seed), "--json"];
  const { knn, linear } = JSON.parse(
    await answerOf(process.execPath, probe, { ...process.env, SALMASK_CACHE: cache }),
  );
  return { side, seed, ...trained, whole, knn, linear };
}

/** Prints the table and, where there is an interval, whether the goal is reached, which sets the exit code. */
export async function compareWithRival(args: readonly string[]): Promise<void> {
  const asked = readArguments(args);
  const { out, epochs, threads, isPaired } = asked;
  mkdirSync(out, { recursive: true });
  refuseOthers(asked);
  const { train, labelled } = takePhotos(asked.data, out, asked.photos);
  const taskOf = (side: SideName, seed: number): TrainTask => ({
    config: recipeOf({ epochs, seed, threads }),
    photos: train,
    out: join(out, `${side}-${seed}`),
    threads,
  });
  const { ways, torch } = await kept(
    join(out, "ways.json"),
    async (): Promise<Ways> => JSON.parse(await peer({ ...taskOf("peer", 0), do: "ways" })),
  );
  const [[way]] = Object.entries(ways).toSorted(([, a], [, b]) => a - b);
  const timed = Object.entries(ways).map(([name, seconds]) => `${name} ${seconds.toFixed(3)} s`);
  console.log(
    `PyTorch ${torch}, ${threads} threads; a step takes it: ${timed.join(", ")}; it trains with: ${way}`,
  );
  const results: Result[] = [];
  for (let seed = 0; seed < asked.seeds; seed++) {
    for (const side of sides) {
      const task = taskOf(side, seed);
      results.push(
        await kept(join(out, `${side}-${seed}.json`), () =>
          resultOf(side, way, { task, labelled, isPaired }),
        ),
      );
    }
  }
  console.log(rivalTable(results));
  const found = isPaired ? pairedVerdict(results) : verdict(results);
  console.log(found.lines.join("\n"));
  if (found.isReached === false) process.exitCode = 1;
}
