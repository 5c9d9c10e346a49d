import { afterEach, beforeEach, expect } from "vitest";

// With sanitizers, only Node must load their runtime: compilers and Pythons that tests start are not checked.
delete process.env.LD_PRELOAD;

const engine = import("@salmask/torch").then((torch) => {
  // As the command line does: tests then run the same configuration, and spinning threads would slow all files.
  torch.tuneProcess();
  return torch;
});

// A test that leaks a tensor fails: after the test the count must be the same as before its own hooks.
let before = 0;

beforeEach(async () => {
  before = (await engine).liveTensors().count;
});

afterEach(async () => {
  expect((await engine).liveTensors().count, "live tensors left by the test").toBe(before);
});
