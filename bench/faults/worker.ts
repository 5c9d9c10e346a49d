/** A process that reads one file after another. Requests are `KIND PATH`, answers are JSON, one line each. */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { SafetensorsError } from "@salmask/torch";
import { SalmaskError } from "../../packages/salmask/src/base/errors.js";
import { processMemory } from "../../packages/salmask/src/base/process-memory.js";
import type { Answer } from "./answers.js";
import type { Kind } from "./kinds.js";
import { readers } from "./readers.js";

const isKind = (text: string): text is Kind => Object.hasOwn(readers, text);

function partsOf(request: string): [kind: Kind, path: string] {
  const space = request.indexOf(" ");
  const kind = request.slice(0, space);
  if (!isKind(kind)) throw new Error(`Expected a kind of files, got ${kind}.`);
  return [kind, request.slice(space + 1)];
}

/** From now on the peak is counted anew (Linux, proc(5)). */
const forgetPeak = () => writeFileSync("/proc/self/clear_refs", "5");

/** Most bytes that this process was resident with since the last call of {@link forgetPeak}. */
const peakMemory = () => processMemory("VmHWM") ?? Number.NaN;

/** Messages of JavaScript's own that say that a value was used before it was looked at. */
const programFault =
  /Cannot (read|set) properties of|is not (a function|iterable|a constructor)|Array buffer allocation failed|Invalid (array|typed array|string) length/;

/** What is wrong with an error that should be one for people; null where it is one. */
function faultOf(error: unknown): string | null {
  if (!(error instanceof SalmaskError || error instanceof SafetensorsError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (programFault.test(cause.message)) return `${error.message}\n${cause.stack}`;
  }
  return null;
}

const usualNames = Object.getOwnPropertyNames(Object.prototype).join();

process.stdout.write("ready\n");
for await (const request of createInterface({ input: process.stdin })) {
  const [kind, path] = partsOf(request);
  forgetPeak();
  let answer: Answer;
  try {
    const content = await readers[kind](path);
    answer = { kind: "read", content, peak: peakMemory() };
  } catch (error) {
    const message = faultOf(error);
    const peak = peakMemory();
    const code = error instanceof SalmaskError ? error.code : "safetensors";
    answer = message === null ? { kind: "refused", code, peak } : { kind: "untyped", message, peak };
  }
  if (Object.getOwnPropertyNames(Object.prototype).join() !== usualNames) {
    answer = { kind: "untyped", message: "Object.prototype was changed", peak: answer.peak };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
