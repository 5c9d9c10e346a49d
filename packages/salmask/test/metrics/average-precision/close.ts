import { expect } from "vitest";

/** Fails where two trees of numbers and nulls differ in shape, in a null, or in a number by more than 1e-9. */
export function expectClose(got: unknown, expected: unknown, path = "scores"): void {
  if (typeof expected === "object" && expected !== null) {
    expect(Object.keys(Object(got)).sort(), path).toEqual(Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected)) {
      expectClose(Object(got)[key], value, `${path}.${key}`);
    }
    return;
  }
  if (typeof expected === "number" && typeof got === "number") {
    expect(Math.abs(got - expected), `${path}: got ${got}, expected ${expected}`).toBeLessThan(1e-9);
  } else {
    expect(got, path).toBe(expected);
  }
}
