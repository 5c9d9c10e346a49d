import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { configSchema, pretrainSettings } from "../../src/config/schema.js";
import type { ProbeRecord } from "../../src/runs/records.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";
import { failure } from "../support/pretrain.js";

describe("a run's folder", () => {
  it("must not contain other files, and these are not changed", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config.yaml"), "mine");
    expect(() => new RunFolder(folder).refuseForeign()).toThrow("holds config.yaml");
    expect(() => new RunFolder(folder).clear()).toThrow("holds config.yaml");
    expect(readFileSync(join(folder, "config.yaml"), "utf8")).toBe("mine");
  });

  it("must not be a project of somebody else's that has checkpoints too", async () => {
    const folder = await temporaryFolder();
    const run = new RunFolder(folder);
    await mkdir(run.checkpoints);
    await writeFile(join(run.checkpoints, "last.pt"), "theirs");
    expect(() => run.refuseForeign()).toThrow("holds checkpoints");
    await rm(join(run.checkpoints, "last.pt"));
    for (const name of ["metrics.jsonl", "summary.json", "events.out.tfevents.1.host.1.0", "train.py"]) {
      await writeFile(join(folder, name), "theirs");
      expect(() => run.refuseForeign(), name).toThrow(name);
      expect(() => run.clear(), name).toThrow(name);
      expect(readFileSync(join(folder, name), "utf8")).toBe("theirs");
      await rm(join(folder, name));
    }
    await writeFile(join(folder, "config.yaml"), "lr: 0.1\n");
    expect(() => run.refuseForeign()).toThrow("config.yaml");
  });

  it("is a run's before its first checkpoint", async () => {
    const folder = await temporaryFolder();
    const run = new RunFolder(folder);
    run.lock().release();
    await run.writeSettings(pretrainSettings, configSchema.parse({}));
    for (const name of ["metrics.jsonl", "events.out.tfevents.1.host.1.0", ".lock", ".summary.json.7.ab.tmp"])
      await writeFile(join(folder, name), "");
    await writeFile(join(run.checkpoints, ".step-000000003.safetensors.7.ab.tmp"), "");
    expect(() => run.refuseForeign()).not.toThrow();
    await writeFile(join(folder, "notes.txt"), "theirs");
    expect(() => run.refuseForeign()).toThrow("notes.txt");
  });

  it("may be missing or empty", async () => {
    const folder = await temporaryFolder();
    expect(() => new RunFolder(folder).refuseForeign()).not.toThrow();
    expect(() => new RunFolder(join(folder, "none")).clear()).not.toThrow();
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  it("loses only the run's own files when it is cleared", async () => {
    const folder = await temporaryFolder();
    const checkpoints = join(folder, "checkpoints");
    await mkdir(checkpoints);
    for (const name of ["config.yaml", "summary.json", "photo.jpg"]) await writeFile(join(folder, name), "");
    for (const name of ["step-000000003.safetensors", "note.txt"])
      await writeFile(join(checkpoints, name), "");
    new RunFolder(folder).clear();
    expect((await readdir(folder)).sort()).toEqual(["checkpoints", "photo.jpg"]);
    expect(await readdir(checkpoints)).toEqual(["note.txt"]);
  });
});

describe("a run's folder that a process uses", () => {
  it("is refused to another run, which changes nothing in it, and is free when the first has ended", async () => {
    const folder = await temporaryFolder();
    await writePhotos(join(folder, "photos"), 24, 16, ["a"]);
    const data = { ...smallSettings.data, cache: join(folder, "cache") };
    const config = configSchema.parse({ ...smallSettings, data });
    const options = { photos: join(folder, "photos"), out: join(folder, "run"), config, resume: false };
    let second: Promise<Error> | null = null;
    await pretrain({
      ...options,
      report: ({ kind }) => {
        // Before the first checkpoint, only the lock shows that there is a run.
        if (kind === "begin") second = failure(options);
      },
    });
    expect(await second).toMatchObject({
      code: "run-in-use",
      message: expect.stringContaining(`process ${process.pid} `),
    });
    expect(new RunFolder(options.out).readSummary()).toMatchObject({ kind: "pretrain", steps: 9 });
    expect(existsSync(join(options.out, ".lock"))).toBe(false);
    await pretrain({ ...options, resume: true });
  });

  it("names the other process, and its unfinished checkpoint stays", async () => {
    const run = new RunFolder(join(await temporaryFolder(), "run"));
    run.lock().release();
    const child = spawn("sleep", ["60"]);
    onTestFinished(() => void child.kill());
    const unfinished = join(run.checkpoints, ".step-000000006.safetensors.1.ab.tmp");
    await writeFile(join(run.path, ".lock"), `${child.pid} ${hostname()}\n`);
    await writeFile(unfinished, "");
    expect(() => run.lock()).toThrow(`process ${child.pid} `);
    expect(existsSync(unfinished)).toBe(true);
  });

  it("loses the unfinished files of a process that no longer exists", async () => {
    const run = new RunFolder(join(await temporaryFolder(), "run"));
    run.lock().release();
    await writeFile(join(run.checkpoints, ".step-000000006.safetensors.1.ab.tmp"), "");
    await writeFile(join(run.checkpoints, "step-000000003.safetensors"), "");
    using _lock = run.lock();
    expect(await readdir(run.checkpoints)).toEqual(["step-000000003.safetensors"]);
  });
});

describe("a run's probes", () => {
  const probe = (change: Partial<ProbeRecord> = {}): ProbeRecord => ({
    photos: ["/set"],
    protocol: "fast",
    seed: 0,
    trainPhotos: 30,
    testPhotos: 10,
    classes: ["a", "b"],
    knn: { top1: 0.5, randomTop1: 0.25 },
    linear: { top1: 0.5, randomTop1: 0.25 },
    labels: "all",
    heldOut: 0.2,
    linearScores: null,
    lastEpochs: 1,
    ...change,
  });

  it("are replaced by those of the same photos, protocol, seed, labels and held-out share, and by no others", async () => {
    const run = new RunFolder(await temporaryFolder());
    expect(run.readProbes()).toEqual([]);
    const all = [
      probe(),
      probe({ photos: ["/other"] }),
      probe({ photos: ["/set", "/other"] }),
      probe({ protocol: "paper" }),
      probe({ seed: 1 }),
      probe({ labels: "10%" }),
      probe({ trainPhotos: 12 }),
      probe({ heldOut: 0.25 }),
      probe({ lastEpochs: 3 }),
    ];
    for (const each of all) await run.addProbe(each);
    expect(run.readProbes()).toEqual(all);
    const again = probe({ knn: { top1: 0.75, randomTop1: 0.25 } });
    await run.addProbe(again);
    expect(run.readProbes()).toEqual([...all.slice(1), again]);
  });

  it("of releases before the held-out share was written down stay, beside those that name it", async () => {
    const run = new RunFolder(await temporaryFolder());
    const { heldOut: _, ...earlier } = probe();
    await writeFile(join(run.path, "probes.json"), JSON.stringify([earlier]));
    expect(run.readProbes()).toEqual([probe({ heldOut: null })]);
    await run.addProbe(probe());
    expect(run.readProbes()).toEqual([probe({ heldOut: null }), probe()]);
  });

  it("are rejected if the file contains something else", async () => {
    const run = new RunFolder(await temporaryFolder());
    await writeFile(join(run.path, "probes.json"), "[{}]");
    expect(() => run.readProbes()).toThrow(expect.objectContaining({ code: "damaged-run" }));
  });
});
