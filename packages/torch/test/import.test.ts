import { describe, expect, test } from "vitest";
import { compiled, node } from "./support/node.js";

/** The state of a process, from outside and inside. */
interface State {
  /** Mapped files of libtorch, OpenMP and the addon. */
  libraries: string[];
  env: Record<string, string>;
  /** Flags that were set in V8 since the start of the process. */
  flags: string[];
}

// V8's flags cannot be read, so this records the calls that set them.
const watching = `
  import { readFileSync } from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  import v8 from "node:v8";
  const flags = [];
  const set = v8.setFlagsFromString;
  v8.setFlagsFromString = (flag) => { flags.push(flag); set(flag); };
  syncBuiltinESMExports();
  const libraries = () => [...new Set(readFileSync("/proc/self/maps", "utf8").match(/\\/\\S*(torch|c10|gomp)\\S*/g) ?? [])];
  const state = () => ({ libraries: libraries(), env: { ...process.env }, flags: [...flags] });`;

/** Without the variables that tuneProcess sets, or that keep it from setting one. */
const untuned = {
  OMP_WAIT_POLICY: undefined,
  GOMP_SPINCOUNT: undefined,
  OPENBLAS_THREAD_TIMEOUT: undefined,
};

/** The states that a script collects in `states` in a new process. The library to import is `library`. */
function statesOf(script: string, env: Record<string, string | undefined> = {}): State[] {
  const { code, out, said } = node(
    [
      "--input-type=module",
      "-e",
      `${watching}
      const library = ${JSON.stringify(compiled)};
      const states = [state()];
      ${script}
      console.log(JSON.stringify(states));`,
    ],
    { ...untuned, ...env },
  );
  if (code !== 0) throw new Error(`expected the script to end with 0, got ${code}: ${said}`);
  return JSON.parse(out);
}

test("importing the library and asking for its build changes nothing in the process", () => {
  const [before, after] = statesOf(`
    const torch = await import(library);
    torch.buildInfo();
    new torch.nn.Identity();
    torch.optim.cosine(1, 10)(3);
    new torch.KeyedRandom(1, 2).uniform();
    torch.liveTensors();
    states.push(state());`);
  expect(before.libraries).toEqual([]);
  expect(after).toEqual(before);
});

test("libtorch is loaded by the first call that needs it, and nothing else changes", () => {
  const [before, after] = statesOf(`
    const torch = await import(library);
    if (torch.ones([2]).add(1).sum().item() !== 4) throw new Error("expected 4");
    states.push(state());`);
  expect(after.libraries.some((path) => path.includes("libtorch"))).toBe(true);
  expect({ ...after, libraries: [] }).toEqual(before);
});

describe("tuneProcess", () => {
  test("sets what its documentation says, without loading libtorch, and keeps existing settings", () => {
    const script = "(await import(library)).tuneProcess(); states.push(state());";
    const [before, after] = statesOf(script);
    expect(after).toEqual({
      libraries: [],
      env: { ...before.env, GOMP_SPINCOUNT: "4000", OPENBLAS_THREAD_TIMEOUT: "4" },
      flags: ["--no-concurrent-recompilation"],
    });
    for (const own of [{ GOMP_SPINCOUNT: "7" }, { OMP_WAIT_POLICY: "passive" }].map((wait) => ({
      OPENBLAS_THREAD_TIMEOUT: "20",
      ...wait,
    }))) {
      const [given, tuned] = statesOf(script, own);
      expect(tuned.env).toEqual(given.env);
    }
  });

  test("keeps the memory of tensors that are freed, called before or after libtorch is loaded", () => {
    const faults = (tune: string) => {
      const { code, out, said } = node([
        "--input-type=module",
        "-e",
        `const torch = await import(${JSON.stringify(compiled)});
        ${tune}
        const step = () => torch.scope(() => torch.ones([12 * 2 ** 20]).add_(1).sum().item()); // 48 MiB
        step();
        const before = process.resourceUsage().minorPageFault;
        for (let i = 0; i < 10; i++) step();
        console.log((process.resourceUsage().minorPageFault - before) / 10);`,
      ]);
      if (code !== 0) throw new Error(`expected the script to end with 0, got ${code}: ${said}`);
      return Number(out);
    };
    // 48 MiB are 12,288 pages of 4 KiB, or 24 of 2 MiB.
    expect(faults("torch.tuneProcess();")).toBeLessThan(20);
    expect(faults("torch.ones([1]); torch.tuneProcess();")).toBeLessThan(20);
    expect(faults("")).toBeGreaterThan(20);
  });

  test("throws in a worker, because it would affect other threads", () => {
    const { code, out } = node([
      "--input-type=module",
      "-e",
      `const { Worker } = await import("node:worker_threads");
      const script = 'const torch = await import(${JSON.stringify(compiled)}); torch.tuneProcess();';
      new Worker(script, { eval: true, execArgv: ["--input-type=module"] }).on("error", (error) => console.log(error.code, error.message));`,
    ]);
    expect(code).toBe(0);
    expect(out).toContain(
      "not-main-thread Expected tuneProcess() on the main thread, got a call in a worker.",
    );
  });
});
