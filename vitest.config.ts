import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      "@salmask/torch": at("packages/torch/src/index.ts"),
      salmask: at("packages/salmask/src/index.ts"),
    },
  },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    // libtorch keeps process-wide state (threads, live-tensor counter), so each file gets its own process.
    pool: "forks",
    // Many tests wait for a Python or a process of the command line; one worker alone would leave a core idle meanwhile.
    maxWorkers: 2,
    // Two workers with two threads each wait for each other on two cores: one thread each is a quarter faster.
    env: { OMP_NUM_THREADS: "1" },
    testTimeout: 120_000,
    hookTimeout: 300_000,
    setupFiles: [at("packages/torch/test/support/no-live-tensors.ts")],
  },
});
