import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError, loadOperatorLibrary, Operator, operatorNames } from "@salmask/torch";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/node.js";
import { torchvisionLibrary } from "./support/torchvision.js";

function codeOf(path: string): string | undefined {
  try {
    loadOperatorLibrary(path);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    return error instanceof EngineError ? error.code : undefined;
  }
}

test("what is no library of operators is refused, by name", () => {
  const folder = temporaryFolder();
  const text = join(folder, "text.so");
  writeFileSync(text, "no library");
  expect(codeOf(folder)).toBe("not-a-file");
  expect(codeOf(join(folder, "absent.so"))).toBe("not-a-file");
  // A name alone is a file of the working folder, never one of the system's libraries.
  expect(codeOf("libm.so.6")).toBe("not-a-file");
  expect(codeOf(text)).toBe("no-library");
  expect(() => loadOperatorLibrary(text)).toThrow(`got ${text}: `);
});

test("torchvision's operators are there once its library is loaded, which may be twice, without Python", ({
  skip,
}) => {
  const operator = new Operator("torchvision::nms", "");
  expect(() => operator.schema).toThrow("has no operator torchvision::nms");
  const path = torchvisionLibrary();
  if (path === null) return skip();
  loadOperatorLibrary(path);
  loadOperatorLibrary(path);
  expect(operatorNames()).toContain("torchvision::roi_align");
  expect(operator.schema).toBe("torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
});
