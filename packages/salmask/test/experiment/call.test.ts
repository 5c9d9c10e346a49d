import { expect, it } from "vitest";
import { call } from "../../src/experiment/call.js";

it("runs a command, and none after a stop that came before it", async () => {
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  await call(["--version"], { signal: new AbortController().signal, onLine });
  expect(lines).toEqual([expect.stringMatching(/\d+\.\d+\.\d+/)]);
  await expect(call(["--version"], { signal: AbortSignal.abort(), onLine })).rejects.toThrow("abort");
  expect(lines).toHaveLength(1);
});

it("throws what a command says that fails", async () => {
  await expect(call(["no-such-command"], { signal: undefined })).rejects.toThrow(
    "no-such-command ended with 2: ",
  );
});
