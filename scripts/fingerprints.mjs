// Trains short runs on one thread and prints the SHA-256 of each run's result. Two versions of Salmask that print the
// same table compute the same, bit for bit.
// Usage: node scripts/fingerprints.mjs [CHECKOUT] [--only NAME]
// CHECKOUT is a built checkout, by default this one, so that one script can compare two versions on one machine.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Sums are shared out among as many threads as OpenMP begins with, also where a run asks for one.
const env = { ...process.env, OMP_NUM_THREADS: "1" };

const flag = process.argv.indexOf("--only");
const only = flag < 0 ? null : process.argv[flag + 1];
const given = process.argv[2]?.startsWith("--") ? undefined : process.argv[2];
const checkout = resolve(given ?? dirname(dirname(fileURLToPath(import.meta.url))));
const salmask = join(checkout, "packages/salmask/bin/salmask.js");
const { generateEmbedded } = await import(join(checkout, "packages/salmask/dist/index.js"));

const folder = mkdtempSync(join(tmpdir(), "salmask-fingerprints-"));
const photos = join(folder, "embedded");

const base = {
  seed: 7,
  threads: 1,
  precision: "float32",
  data: { crop: 32, size: 64 },
  model: { arch: "resnet18", width: 16, stem: "small" },
  method: { name: "mocov2", queue: 96, momentum: 0.99, dim: 32, groups: 2 },
  train: { epochs: 3, batchSize: 16, lr: 0.05, logEvery: 2 },
};

/** The settings of each run. Each top-level section replaces that of `base`. */
const runs = {
  "high-pass": {},
  blur: { mask: { fill: "blur" } },
  mean: { mask: { fill: "mean" } },
  plain: { mask: { fill: "none" } },
  "branch key": { mask: { branch: "key", negative: { count: 0 } } },
  "branch both, two shared negatives": {
    mask: { fill: "mean", branch: "both", negative: { count: 2, of: "shared" } },
  },
  "own saliency, crops, refreshed": {
    saliency: { source: "own", scope: "crop", warmupEpochs: 1, refreshEvery: 1 },
  },
  "spectral residual, crops, Otsu": {
    saliency: {
      source: "spectral-residual",
      scope: "crop",
      threshold: { rule: "otsu", component: "largest" },
    },
  },
  "minimum barrier, photos, resumed": { saliency: { source: "minimum-barrier" } },
  "maps in files, shuffled, random odds": {
    mask: { fill: "mean", foregroundShare: 0.3 },
    saliency: { source: "maps", maps: join(photos, "masks/train"), shuffled: true },
  },
  simclr: {
    method: { name: "simclr", temperature: 0.2, dim: 32 },
    mask: { fill: "mean", negative: { count: 2 } },
    train: { ...base.train, lr: 0.3, lrWarmupEpochs: 1 },
  },
  adios: { mask: { fill: "none" }, occlusion: { name: "adios", masks: 2 } },
  "adios-s": { mask: { fill: "none" }, occlusion: { name: "adios-s", masks: 3 } },
};

function run(args) {
  const { status, stderr } = spawnSync(process.execPath, [salmask, ...args], { encoding: "utf8", env });
  if (status !== 0) throw new Error(`salmask ${args.join(" ")} ended with ${status}: ${stderr}`);
}

/** Starts a run, interrupts it when it has logged its first step, and returns when it has ended. */
async function interrupt(args, log) {
  const child = spawn(process.execPath, [salmask, ...args], { stdio: "ignore", env });
  const ended = new Promise((done) => child.on("exit", done));
  while (child.exitCode === null && !existsSync(log)) await new Promise((done) => setTimeout(done, 5));
  child.kill("SIGINT");
  const code = await ended;
  if (code !== 130) throw new Error(`expected an interrupted run, but it ended with ${code}`);
}

/** The newest probe of a run. Earlier releases kept only that one. */
function probeOf(run) {
  const path = join(run, "probes.json");
  return existsSync(path)
    ? JSON.parse(readFileSync(path, "utf8")).at(-1)
    : JSON.parse(readFileSync(join(run, "probe.json"), "utf8"));
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Hashes of the file, and of its tensors without the header, because later versions may store more in the header. */
function fingerprint(path) {
  const file = readFileSync(path);
  return { file: sha256(file), tensors: sha256(file.subarray(8 + Number(file.readBigUInt64LE(0)))) };
}

async function pretrain(name, settings) {
  const out = join(folder, name.replace(/[^a-z]+/gi, "-"));
  const config = `${out}.json`; // JSON is also YAML
  writeFileSync(config, JSON.stringify({ ...base, ...settings }));
  const args = ["pretrain", join(photos, "train"), "--out", out, "--config", config];
  if (name.endsWith("resumed")) {
    await interrupt(args, join(out, "metrics.jsonl"));
    args.push("--resume");
  }
  run(args);
  return { out, weights: join(out, "weights.safetensors") };
}

function print(name, { file, tensors }) {
  console.log(`| ${name} | ${file.slice(0, 16)} | ${tensors.slice(0, 16)} |`);
}

process.env.SALMASK_CACHE = join(folder, "cache");
try {
  await generateEmbedded(photos, { train: 96, test: 40, size: 64, difficulty: "demo" });
  console.log("| run | file | tensors |\n|---|---|---|");
  let probed;
  for (const [name, settings] of Object.entries(runs)) {
    if (only !== null && name !== only) continue;
    const { out, weights } = await pretrain(name, settings);
    print(name, fingerprint(weights));
    if (name === "mean") probed = out;
  }
  if (only === null) {
    const localizer = join(folder, "localizer.safetensors");
    run([
      "saliency",
      "train",
      join(photos, "train"),
      "--out",
      localizer,
      "--epochs",
      "2",
      "--batch-size",
      "16",
      "--crop",
      "32",
      "--threads",
      "1",
    ]);
    print("localization network", fingerprint(localizer));
    for (const protocol of ["fast", "paper"]) {
      run(["probe", probed, photos, "--protocol", protocol]);
      const { knn, linear } = probeOf(probed);
      console.log(
        `| probe of mean, ${protocol} | kNN ${knn.top1} / ${knn.randomTop1} | linear ${linear.top1} / ${linear.randomTop1} |`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
