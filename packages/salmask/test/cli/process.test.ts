/** The command line as a process: the modules that it loads, and how signals and closed pipes end it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ended, ended } from "../support/ended.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";

const salmask = resolve(import.meta.dirname, "../../bin/salmask.js");

/** A module that reports, at the end of a process, which heavy libraries are mapped and which heavy modules were run. */
const witness = `
  import { readFileSync } from "node:fs";
  import { Session } from "node:inspector";
  process.on("exit", () => {
    const mapped = readFileSync("/proc/self/maps", "utf8");
    const heavy = ["salmask_torch.node", "libtorch", "sharp", "vips", "jpeg-turbo", "onnxruntime"];
    console.error("mapped:" + heavy.filter((name) => mapped.includes(name)).join(","));
    const run = new Set();
    const session = new Session();
    session.connect();
    session.on("Debugger.scriptParsed", ({ params }) => run.add(params.url));
    session.post("Debugger.enable"); // reports the scripts of before, too
    const modules = ["packages/torch/dist/tensor.js", "node_modules/zod", "packages/salmask/dist/cli"];
    console.error("run:" + modules.filter((name) => [...run].some((url) => url.includes(name))).join(","));
  });
`;

async function loadedBy(...args: string[]): Promise<Ended & { mapped: string; run: string }> {
  const folder = await temporaryFolder();
  const file = join(folder, "witness.mjs");
  await writeFile(file, witness);
  const end = await ended(spawn(process.execPath, ["--import", file, salmask, ...args]));
  const [mapped, run] = [/mapped:(.*)/, /run:(.*)/].map((line) => end.err.match(line)?.[1] ?? "no witness");
  return { ...end, mapped, run };
}

describe("what the command line loads", () => {
  it("shows the engine and the schemas in a process that uses them", async () => {
    const { mapped, run } = await loadedBy("pretrain", "no-photos-here", "--preset", "paper");
    expect(mapped).toContain("salmask_torch.node");
    expect(run).toBe("packages/torch/dist/tensor.js,node_modules/zod,packages/salmask/dist/cli");
  });

  it.each([
    ["--help"],
    ["--version"],
    ["pretrain --help"],
    ["views --help"],
    ["saliency eval --help"],
    ["saliency train --help"],
    ["experiment --help"],
    ["probe --help"],
    ["demo --help"],
    ["doctor --help"],
    ["help pretrain"],
    ["finetune --help"],
    ["detect --help"],
    ["detect train --help"],
    ["detect eval --help"],
    ["detect predict --help"],
    ["transfer --help"],
  ])("is no engine, no decoder and no schema for %s", async (line) => {
    const { code, mapped, run, out } = await loadedBy(...line.split(" "));
    expect(code).toBe(0);
    expect(out).not.toBe("");
    expect({ mapped, run }).toEqual({ mapped: "", run: "packages/salmask/dist/cli" });
  });

  it.each([
    ["pretrain photos --epochs -1"],
    ["pretrain photos --epoch 3"],
    ["views photos --count none"],
    ["saliency eval photos --masks m --saliency.source what"],
    ["saliency train photos --epochs 0"],
    ["probe run photos --seed -1"],
    ["experiment no-such-file.yaml"],
    ["demonstrate"],
  ])("is no engine and no decoder where it refuses %s", async (line) => {
    const { code, mapped } = await loadedBy(...line.split(" "));
    expect(code).toBe(2);
    expect(mapped).toBe("");
  });
});

it("says its version", async () => {
  const { version } = JSON.parse(readFileSync(resolve(salmask, "../../package.json"), "utf8"));
  const { out, code } = await ended(spawn(process.execPath, [salmask, "--version"]));
  expect({ out, code }).toEqual({ out: `${version}\n`, code: 0 });
});

describe("an engine that is not there", () => {
  /** The installed packages without the engine's addon. */
  async function unbuilt(): Promise<string> {
    const [folder, root] = [await temporaryFolder(), resolve(salmask, "../../../..")];
    const modules = join(folder, "node_modules");
    await mkdir(join(modules, "@salmask"), { recursive: true });
    for (const name of await readdir(join(root, "node_modules"))) {
      if (name === "salmask" || name.startsWith("@salmask") || name.startsWith(".")) continue;
      await symlink(join(root, "node_modules", name), join(modules, name));
    }
    for (const [name, at] of [
      ["torch", join(modules, "@salmask", "torch")],
      ["salmask", join(folder, "salmask")],
    ]) {
      for (const part of ["dist", "bin", "presets", "package.json"]) {
        const from = join(root, "packages", name, part);
        if (existsSync(from)) await cp(from, join(at, part), { recursive: true });
      }
    }
    return join(folder, "salmask", "bin", "salmask.js");
  }

  it("is reported with the command that builds it, without a stack trace; help does not need it", {
    timeout: 240_000,
  }, async () => {
    const bin = await unbuilt();
    for (const line of ["pretrain photos --preset paper", "pretrain photos --preset paper --device cuda"]) {
      const { code, out, err } = await ended(spawn(process.execPath, [bin, ...line.split(" ")]));
      expect({ code, out }, line).toEqual({ code: 1, out: "" });
      expect(err, line).toMatch(/^salmask: .*Run: /s);
      expect(err, line).not.toContain("    at ");
    }
    const { code } = await ended(spawn(process.execPath, [bin, "pretrain", "--help"]));
    expect(code).toBe(0);
    await rm(join(bin, "../../dist"), { recursive: true });
    const { code: noLibrary, err } = await ended(spawn(process.execPath, [bin, "--help"]));
    expect(noLibrary).toBe(1);
    expect(err).toMatch(/^salmask: Expected the built library.*Run: npm run setup\n$/);
  });
});

async function pretrainOn(folder: string, epochs: number): Promise<string[]> {
  await writePhotos(join(folder, "photos"), 24, 16, ["a"]);
  const settings = {
    ...smallSettings,
    data: { ...smallSettings.data, cache: join(folder, "cache") },
    train: { ...smallSettings.train, epochs },
  };
  const config = join(folder, "run.json"); // JSON is also YAML
  await writeFile(config, JSON.stringify(settings));
  return [salmask, "pretrain", join(folder, "photos"), "--out", join(folder, "run"), "--config", config];
}

/** Resolves when the process has printed `text`. */
const saying = (child: ChildProcess, text: string) =>
  new Promise<void>((done) => {
    let said = "";
    child.stdout?.on("data", (data) => {
      said += data;
      if (said.includes(text)) done();
    });
  });

describe("a process of the command line", () => {
  it("continues if nobody reads its output any more", async () => {
    const folder = await temporaryFolder();
    const child = spawn(process.execPath, await pretrainOn(folder, 4));
    child.stdout.once("data", () => child.stdout.destroy());
    child.stderr.once("data", () => child.stderr.destroy());
    const { code } = await ended(child);
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, "run", "summary.json"), "utf8")).steps).toBe(12);
  });

  it("continues if its output cannot be written", async () => {
    const full = openSync("/dev/full", "w");
    try {
      const child = spawn(process.execPath, [salmask, "--help"], { stdio: ["ignore", full, "pipe"] });
      expect(await ended(child)).toMatchObject({ code: 0, err: "" });
    } finally {
      closeSync(full);
    }
  });

  it.each(["SIGHUP", "SIGTERM", "SIGINT"] as const)(
    "answers %s with a checkpoint and says so",
    async (name) => {
      const folder = await temporaryFolder();
      const child = spawn(process.execPath, await pretrainOn(folder, 10_000_000));
      const end = ended(child);
      await saying(child, "step 3");
      child.kill(name);
      const { code, out, err } = await end;
      expect(code).toBe(130);
      expect(out).toContain(
        `that is long for this machine, with the settings of --config ${join(folder, "run.json")}; salmask pretrain`,
      );
      expect(err).toContain("stopping as soon as it is safe");
      expect(err).toContain("a checkpoint was written");
      expect(err).not.toContain("    at ");
    },
  );

  it.each([0, 20, 60])(
    "ends with 130 and without a word where it is interrupted %s ms after it began to listen",
    async (milliseconds) => {
      const folder = await temporaryFolder();
      const file = join(folder, "interrupt.mjs");
      const interrupt = `setTimeout(() => process.kill(process.pid, "SIGINT"), ${milliseconds})`;
      await writeFile(
        file,
        `process.once("newListener", function heard(name) {
          if (name === "SIGINT") ${interrupt}; else process.once("newListener", heard);
        });`,
      );
      const args = ["--import", file, ...(await pretrainOn(folder, 2000))];
      const { code, out, err } = await ended(spawn(process.execPath, args));
      expect({ code, out, err }).toEqual({ code: 130, out: "", err: "" });
    },
  );
});
