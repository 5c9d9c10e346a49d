import { readFileSync } from "node:fs";
import { ones, scope, zeros } from "@salmask/torch";
import { expect, test } from "vitest";

const mebibytes = 2 ** 20 / 4;
const resident = () =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
const faults = () => process.resourceUsage().minorPageFault;

/**
 * The fewest page faults of nine calls: what each of them needs. JavaScript's heap adds up to a hundred to any
 * call, as its pages come and go.
 */
function faultsOfEach(step: () => void): number {
  const counts = Array.from({ length: 9 }, () => {
    const before = faults();
    step();
    return faults() - before;
  });
  return Math.min(...counts);
}

test("a freed block is reused for the next tensor of its size, without new pages", () => {
  const step = () =>
    scope(() =>
      ones([48 * mebibytes])
        .add_(1)
        .sum()
        .item(),
    );
  step();
  // 48 MiB are 12,288 pages of 4 KiB, or 24 of 2 MiB.
  expect(faultsOfEach(() => expect(step()).toBe(2 * 48 * mebibytes))).toBeLessThan(20);
});

test("blocks in use at once do not share memory, for all sizes and orders", () => {
  scope(() => {
    const sizes = [1, 7, 3, 2, 5, 4, 6, 1];
    for (let round = 0; round < 3; round++) {
      const tensors = sizes.map((size, i) => zeros([size * mebibytes - i]).add_(10 * round + i));
      for (let i = 0; i < sizes.length; i += 2) tensors[i].dispose();
      const more = sizes.map((size, i) => zeros([size * mebibytes]).sub_(i + 1));
      for (const [i, tensor] of more.entries()) {
        expect([tensor.amin().item(), tensor.amax().item()]).toEqual([-i - 1, -i - 1]);
      }
      for (let i = 1; i < sizes.length; i += 2) {
        expect([tensors[i].amin().item(), tensors[i].amax().item()]).toEqual([
          10 * round + i,
          10 * round + i,
        ]);
      }
      for (const tensor of [...tensors, ...more]) tensor.dispose();
    }
  });
});

test("no more memory is kept than was in use at once: small blocks make room for a large one", () => {
  scope(() => {
    const held = () => Array.from({ length: 32 }, () => ones([8 * mebibytes]));
    for (const tensor of held()) tensor.dispose();
    const before = resident();
    ones([200 * mebibytes]).dispose();
    expect(resident() - before).toBeLessThan(20);
  });
});

test("blocks are split and merged as needed, without new pages", () => {
  scope(() => {
    const sizes = [24, 48, 3, 6, 96];
    const step = () => {
      const large = ones([96 * mebibytes]);
      large.dispose();
      for (const size of sizes) {
        const parts = Array.from({ length: 96 / size }, (_, i) => ones([size * mebibytes]).mul_(i));
        for (const [i, part] of parts.entries()) expect(part.amax().item()).toBe(i);
        for (const part of parts) part.dispose();
      }
    };
    step();
    // Each call writes 576 MiB: 147,456 pages of 4 KiB, or 288 of 2 MiB. A single size that gets new pages
    // needs 48 of 2 MiB.
    expect(faultsOfEach(step)).toBeLessThan(40);
  });
});
