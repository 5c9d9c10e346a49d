import { afterEach, beforeEach, expect } from "vitest";

// Under the sanitizers their runtime is for Node alone: compilers and Pythons that tests start are not ours to check.
delete process.env.LD_PRELOAD;

const engine = import("@salmask/torch").then((torch) => {
  // As the command line does: what is tested is what runs, and threads that spin would slow all files at once.
  torch.tuneProcess();
  return torch;
});

// A test that leaks a tensor fails: the counter has to stand where it stood before the test's own hooks ran.
let before = 0;

beforeEach(async () => {
  before = (await engine).liveTensors().count;
});

afterEach(async () => {
  expect((await engine).liveTensors().count, "live tensors left by the test").toBe(before);
});
