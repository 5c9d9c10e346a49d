import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const all = "packages/*/test/**/*.test.ts";
/** Files that replace modules, see whether a library has been loaded, or count page faults: each gets a process of its own. */
const alone = [
  "packages/torch/test/block-cache.test.ts",
  "packages/torch/test/operator-library.test.ts",
  "packages/salmask/test/data/embedded/generate.test.ts",
  "packages/salmask/test/data/store/disk-full.test.ts",
  "packages/salmask/test/examples.test.ts",
  "packages/salmask/test/tasks/pretrain/device.test.ts",
];

/** A file that holds times to a goal: it runs when all others have ended, because a busy machine says nothing about the page. */
const timed = ["packages/salmask/test/watch/page.test.ts"];

export default defineConfig({
  resolve: {
    alias: {
      "@salmask/torch": at("packages/torch/src/index.ts"),
      salmask: at("packages/salmask/src/index.ts"),
    },
  },
  test: {
    // libtorch keeps process-wide state (threads, live-tensor counter), which worker threads would share.
    pool: "forks",
    // Many tests wait for a Python or a process of the command line; one worker alone would leave a core idle meanwhile.
    maxWorkers: 2,
    // Two workers with two threads each wait for each other on two cores: one thread each is a quarter faster.
    env: { OMP_NUM_THREADS: "1" },
    testTimeout: 120_000,
    hookTimeout: 300_000,
    setupFiles: [at("packages/torch/test/support/no-live-tensors.ts")],
    projects: [
      { extends: true, test: { name: "alone", include: alone } },
      // One process for file after file, because loading the engine and the sources took a third of the time of all tests.
      {
        extends: true,
        test: { name: "together", include: [all], exclude: [...alone, ...timed], isolate: false },
      },
      { extends: true, test: { name: "timed", include: timed, sequence: { groupOrder: 1 } } },
    ],
  },
});
