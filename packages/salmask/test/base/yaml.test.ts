import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { UsageError } from "../../src/base/errors.js";
import { parseYaml, stringifyYaml } from "../../src/base/yaml.js";

function refusal(text: string): UsageError {
  try {
    parseYaml(text, "here.yaml");
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error("expected a UsageError");
}

/** Nine levels of nine aliases each: 387 million values in 400 letters. */
const bomb = Array.from({ length: 9 }, (_, i) =>
  i === 0 ? "a0: &a0 [x, x, x, x, x, x, x, x, x]" : `a${i}: &a${i} [${Array(9).fill(`*a${i - 1}`)}]`,
).join("\n");

describe("parseYaml", () => {
  it("reads what yaml reads, including groups that are used several times", () => {
    const text = "base: &b { a: 1, list: [0.1, 2] }\nagain: *b\ntext: '08'\nnone: null\n";
    expect(parseYaml(text, "here")).toEqual(parse(text));
    expect(parseYaml(stringifyYaml({ a: [1, "2", null] }), "here")).toEqual({ a: [1, "2", null] });
  });

  it.each([
    ["what is no YAML", "a: [1"],
    ["a name twice", "a: 1\na: 2"],
    ["a bomb of aliases", bomb],
    ["a circle of aliases", "a: &a [*a]"],
    ["a circle through two groups", "a: &a { b: { c: *a } }"],
    ["an alias of nothing", "a: *nowhere"],
    ["a name that changes what an object is", "__proto__: { seed: 5 }"],
    ["such a name within", "mask: { negative: { __proto__: { weight: 9 } } }"],
    ["groups without end", `${"[".repeat(60)}${"]".repeat(60)}`],
    ["groups that overflow the stack", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["two documents", "a: 1\n---\nb: 2"],
  ])("refuses %s with a sentence that names the file", (_, text) => {
    const { code, message, exitCode } = refusal(text);
    expect({ code, exitCode }).toEqual({ code: "bad-yaml", exitCode: 2 });
    expect(message).toMatch(/^Expected YAML in here\.yaml, got a fault: ./);
    expect(message.length).toBeLessThan(600);
    expect({} as { seed?: number }).not.toHaveProperty("seed");
  });
});
