import { expect, it } from "vitest";
import { DataError, SalmaskError } from "../../src/base/errors.js";
import { explainStorage } from "../../src/cli/storage-fault.js";

const refusal = (code: string) =>
  Object.assign(new Error(`${code}: refused`), { code, path: "/runs/a/metrics.jsonl" });

it.each([
  ["ENOSPC", "disk-full", "--resume"],
  ["EACCES", "not-allowed", "another folder"],
  ["EROFS", "not-allowed", "another folder"],
  ["EFBIG", "file-too-large", "ulimit -f"],
  ["EMFILE", "too-many-files", "ulimit -n"],
])("says what %s means, of which file, and what to do", (code, ours, mend) => {
  const cause = refusal(code);
  const said = explainStorage(cause);
  expect(said).toBeInstanceOf(SalmaskError);
  expect(said).toMatchObject({ code: ours, exitCode: 1, cause });
  expect(said).toMatchObject({ message: expect.stringContaining("/runs/a/metrics.jsonl") });
  expect(said).toMatchObject({ message: expect.stringContaining(mend) });
});

it("says that no folder can be made where Node says that there is none", () => {
  const said = explainStorage(Object.assign(refusal("ENOENT"), { syscall: "mkdir" }));
  expect(said).toMatchObject({ code: "not-allowed", message: expect.stringContaining("another folder") });
});

it("returns all other errors unchanged", () => {
  const others = [
    refusal("EWHAT"),
    refusal("ENOENT"),
    new Error("plain"),
    new DataError("disk-full", "said better already"),
    "text",
  ];
  for (const other of others) expect(explainStorage(other)).toBe(other);
});
