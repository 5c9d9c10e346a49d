// Runs the engine's tests with Debian 13's libtorch: `npm run test:debian13`, as root (see debian13.mjs).
// Arguments select other tests: `npm run test:debian13 -- packages`.
import { runInDebian13 } from "./debian13.mjs";

const tests =
  process.argv.length > 2
    ? process.argv.slice(2)
    : ["packages/torch/test", "packages/salmask/test/models", "packages/salmask/test/compute"];
runInDebian13(["node", "node_modules/vitest/vitest.mjs", "run", ...tests]);
