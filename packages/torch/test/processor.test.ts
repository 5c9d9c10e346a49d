import { execFileSync } from "node:child_process";
import { cpuFlags, cpuHasFastBfloat16 } from "@salmask/torch";
import { expect, test } from "vitest";

test.each([
  { flags: ["sse2", "avx2", "amx_bf16", "amx_tile"], has: true },
  { flags: ["avx2", "avx512f", "avx512_bf16"], has: true },
  { flags: ["avx2", "avx512f", "avx512_vnni", "amx_tile", "amx_int8"], has: false },
  { flags: ["fma", "avx2"], has: false },
  { flags: [], has: false },
])("a processor with $flags multiplies bfloat16 in hardware: $has", ({ flags, has }) => {
  expect(cpuHasFastBfloat16(flags)).toBe(has);
});

test("this machine's flags are those that lscpu lists", () => {
  const listed = /^Flags:(.*)$/m.exec(
    execFileSync("lscpu", { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }),
  );
  const flags = listed?.[1].trim().split(/\s+/) ?? [];
  expect(cpuFlags().sort()).toEqual(flags.sort());
  expect(cpuHasFastBfloat16()).toBe(cpuHasFastBfloat16(flags));
});
