import { expect, it } from "vitest";
import { TimeLeft } from "../../src/transfer/time-left.js";

it("adds up what is left of each kind, once one of each is known", () => {
  const left = new TimeLeft(["probe", "detect", "probe", "detect", "probe"]);
  expect(left.seconds).toBeNull();
  left.end("probe", 10);
  expect(left.seconds).toBeNull();
  left.end("detect", 100);
  expect(left.seconds).toBe(10 + 10 + 100);
  left.end("probe", 20);
  expect(left.seconds).toBe(15 + 100);
  // A failure says nothing of how long others take.
  left.end("detect", null);
  expect(left.seconds).toBe(15);
  left.end("probe", 1);
  expect(left.seconds).toBe(0);
});

it("takes kinds of which none is known for like the others, where it is told to", () => {
  const left = new TimeLeft(["plain", "plain", "masked", "masked"], true);
  expect(left.seconds).toBeNull();
  left.end("plain", 10);
  expect(left.seconds).toBe(30);
  left.end("masked", 20);
  expect(left.seconds).toBe(10 + 20);
});
