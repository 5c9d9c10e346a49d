import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findPython } from "../packages/torch/test/support/python.js";
import { peerEnvironment } from "./peer-environment.js";

/** One side of a comparison: a process that measures on request. Requests and answers are one line each. */
export class Side {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  readonly #kill = () => this.#signal("SIGKILL");

  private constructor(command: string, args: string[], env: NodeJS.ProcessEnv) {
    // In its own process group, so that a pause also stops its workers.
    const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"], detached: true });
    process.once("exit", this.#kill);
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  static python(script: URL, ...args: string[]): Side {
    return new Side(findPython(), [fileURLToPath(script), ...args], peerEnvironment());
  }

  static typescript(script: URL, ...args: string[]): Side {
    return new Side(process.execPath, ["--import", "tsx", fileURLToPath(script), ...args], process.env);
  }

  /** The answer to a request. Kills the process after `limit` milliseconds. Throws if the process ends without an answer. */
  async ask(request: string, limit = Number.POSITIVE_INFINITY): Promise<string> {
    const timer = Number.isFinite(limit) ? setTimeout(this.#kill, limit) : undefined;
    try {
      this.#process.stdin?.write(`${request}\n`);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`${this.#process.spawnargs.join(" ")} ended before it answered ${request}`);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  async measure(request: string): Promise<number> {
    return Number(await this.ask(request));
  }

  /** Stops the process and its workers, which would otherwise work during the other side's turn. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  resume(): void {
    this.#signal("SIGCONT");
  }

  close(): void {
    this.resume();
    this.#process.stdin?.end();
    this.#lines.close();
    process.removeListener("exit", this.#kill);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
  }
}
