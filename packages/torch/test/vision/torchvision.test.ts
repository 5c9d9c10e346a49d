import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { torchvisionBeside } from "../../src/vision/torchvision.js";
import { answerOf, temporaryFolder } from "../support/node.js";
import { torchvisionLibrary } from "../support/torchvision.js";

const loaded = `process.stdout.write(JSON.stringify(torch.vision.torchvision()))`;
const refused = `
  try { torch.vision.torchvision(); } catch (error) { process.stdout.write(JSON.stringify(error.code)); }`;

test("the library is found beside the libtorch: torch's neighbour, or the distribution's", () => {
  const root = temporaryFolder();
  const lib = join(root, "torch/lib");
  mkdirSync(lib, { recursive: true });
  expect(torchvisionBeside(lib)).toBeNull();
  const folder = join(root, "torchvision");
  mkdirSync(folder);
  for (const name of ["_C_extra.txt", "image.so", "__init__.py"]) writeFileSync(join(folder, name), "");
  expect(torchvisionBeside(lib)).toBeNull();
  for (const name of ["_C.cpython-311-x86_64-linux-gnu.so", "_C.so"]) {
    const path = join(folder, name);
    writeFileSync(path, "");
    expect(torchvisionBeside(lib)).not.toBeNull();
  }
});

test("the variable names another library, or none, and is an error where it is wrong", () => {
  const path = torchvisionLibrary();
  if (path !== null) expect(answerOf(loaded, { SALMASK_TORCHVISION: path })).toMatchObject({ path });
  expect(answerOf(loaded, { SALMASK_TORCHVISION: "none" })).toBeNull();
  expect(answerOf(refused, { SALMASK_TORCHVISION: "/nowhere/_C.so" })).toBe("not-a-file");
});
