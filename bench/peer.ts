import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findPython } from "../packages/torch/test/support/python.js";

/** A Python script that measures on request: a line in, a line with one number out. */
export class Peer {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor(script: URL, ...args: string[]) {
    const child = spawn(findPython(), [fileURLToPath(script), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async measure(request: string): Promise<number> {
    this.#process.stdin?.write(`${request}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the Python peer ended before it answered ${request}`);
    return Number(value);
  }

  close(): void {
    this.#process.stdin?.end();
    this.#lines.close();
  }
}
