import { expect, test } from "vitest";
import { shown } from "../../src/base/faults.js";

test("a value is shown as JSON, shortened where it is long", () => {
  expect(shown({ a: [1] })).toBe('{"a":[1]}');
  expect(shown(undefined)).toBe("nothing");
  expect(shown("x".repeat(200))).toBe(`"${"x".repeat(99)}...`);
});

test("a value that cannot be written as JSON is named", () => {
  const depth = 100_000;
  const deep: unknown = JSON.parse("[".repeat(depth) + "]".repeat(depth));
  expect(shown(deep)).toBe("groups within groups, too deep to show");
  expect(shown(7n)).toBe("7");
});
