import { describe, expect, it } from "vitest";
import { ownGpu, placeIn, restartsIn } from "../../src/ranks/environment.js";

const torchrun = {
  RANK: "3",
  WORLD_SIZE: "8",
  LOCAL_RANK: "1",
  MASTER_ADDR: "node-0",
  MASTER_PORT: "29400",
  TORCHELASTIC_RESTART_COUNT: "2",
  TORCHELASTIC_USE_AGENT_STORE: "True",
};
const slurm = { SLURM_PROCID: "5", SLURM_NTASKS: "6", SLURM_LOCALID: "2", MASTER_ADDR: "node-0" };

describe("a process's place", () => {
  it("is what torchrun says", () => {
    expect(placeIn(torchrun)).toEqual({
      rank: 3,
      worldSize: 8,
      localRank: 1,
      host: "node-0",
      port: 29400,
      isServedByStarter: true,
      restarts: 2,
    });
    expect(placeIn({ ...torchrun, TORCHELASTIC_USE_AGENT_STORE: "False" })?.isServedByStarter).toBe(false);
  });

  it("is what Slurm says, where torchrun's variables are absent", () => {
    const there = { rank: 5, worldSize: 6, localRank: 2, host: "node-0", port: 29500, restarts: 0 };
    expect(placeIn(slurm)).toEqual({ ...there, isServedByStarter: false });
    expect(placeIn({ ...slurm, SLURM_RESTART_COUNT: "4", MASTER_PORT: "7" })).toMatchObject({
      port: 7,
      restarts: 4,
    });
    expect(placeIn({ ...slurm, ...torchrun })).toMatchObject({ rank: 3, worldSize: 8 });
  });

  it("is the first on its machine where a PyTorchJob does not say it", () => {
    const { LOCAL_RANK: _, ...others } = torchrun;
    expect(placeIn(others)).toMatchObject({ rank: 3, localRank: 0 });
  });

  it("is none for a process alone", () => {
    for (const alone of [
      {},
      { RANK: "0" },
      { RANK: "0", WORLD_SIZE: "1" },
      { SLURM_PROCID: "0", SLURM_NTASKS: "1" },
    ])
      expect(placeIn(alone)).toBeNull();
  });

  it.each([
    [{ RANK: "8" }, 'a whole number from 0 to 7 in RANK, got "8"'],
    [{ WORLD_SIZE: "many" }, 'a whole number from 1 to 1048576 in WORLD_SIZE, got "many"'],
    [{ MASTER_PORT: "0" }, 'a whole number from 1 to 65535 in MASTER_PORT, got "0"'],
    [{ MASTER_ADDR: undefined }, "MASTER_ADDR beside WORLD_SIZE=8, got none"],
    [{ TORCHELASTIC_RESTART_COUNT: "-1" }, "in TORCHELASTIC_RESTART_COUNT"],
  ])("is refused with %j", (change, message) => {
    expect(() => placeIn({ ...torchrun, ...change })).toThrow(message);
  });
});

it("counts starts of torchrun and of Slurm", () => {
  expect([{}, { SLURM_RESTART_COUNT: "3" }, torchrun].map(restartsIn)).toEqual([0, 3, 2]);
});

it.each([
  [undefined, 1, "1"],
  ["4,6", 1, "6"],
  ["GPU-a", 1, "GPU-a"],
  ["4,6", 2, ""],
])("with CUDA_VISIBLE_DEVICES %s has process %i the GPU %s", (visible, localRank, own) => {
  expect(ownGpu({ localRank }, { CUDA_VISIBLE_DEVICES: visible })).toBe(own);
});
