import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { processMemory } from "../../packages/salmask/src/base/process-memory.js";
import { type Answer, answerSchema, longest, mostMemory, type Outcome } from "./answers.js";
import type { Kind } from "./kinds.js";

export interface ReadingOptions {
  /** What Node runs; it says `ready` when it is. Default: `worker.ts`. */
  readonly program?: readonly string[];
  /** Seconds that a file may take; default: {@link longest}. */
  readonly seconds?: number;
  /** Bytes that it may be resident with; default: {@link mostMemory}. */
  readonly memory?: number;
}

/** Milliseconds between looks at the process's memory. */
const lookEvery = 20;

interface Started {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  /** The last that it wrote to standard error. */
  said: string;
}

function worker(): string[] {
  // From the loader's own place, because the process works in an empty folder.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return ["--import", loader, fileURLToPath(new URL("worker.ts", import.meta.url))];
}

/** A process that reads damaged files. It is ended when it hangs or takes too much memory, and started again when it is gone. */
export class ReadingProcess {
  /** The folder that it works in, which is empty as long as nothing is written to it. */
  readonly cwd = mkdtempSync(join(tmpdir(), "salmask-faults-cwd-"));
  private started: Started | null = null;

  constructor(private readonly options: ReadingOptions = {}) {}

  /** Starts the process, if it is not there. Throws if it does not get ready. */
  async ready(): Promise<void> {
    this.started ??= await this.start();
  }

  /** What becomes of a file. */
  async read(kind: Kind, path: string): Promise<Outcome> {
    const { seconds = longest, memory = mostMemory } = this.options;
    const started = this.started ?? (await this.start());
    this.started = started;
    const { child, lines } = started;
    let ended: Outcome | null = null;
    const end = (outcome: Outcome) => {
      ended ??= outcome;
      child.kill("SIGKILL");
    };
    const limit = setTimeout(() => end({ kind: "hung", seconds }), 1000 * seconds);
    const look = setInterval(() => {
      const peak = child.pid === undefined ? null : processMemory("VmRSS", child.pid);
      if (peak !== null && peak > memory) end({ kind: "too much memory", peak });
    }, lookEvery);
    try {
      child.stdin?.write(`${kind} ${path}\n`);
      const { value, done } = await lines.next();
      if (done !== true) {
        const answer = answerOf(value);
        return answer.peak > memory ? { kind: "too much memory", peak: answer.peak } : answer;
      }
      this.started = null;
      if (child.exitCode === null && child.signalCode === null) {
        await new Promise((closed) => child.once("exit", closed));
      }
      if (ended !== null) return ended;
      const how = child.signalCode ?? `exit code ${child.exitCode}`;
      return { kind: "crashed", message: `${how}\n${started.said.slice(-2000)}` };
    } finally {
      clearTimeout(limit);
      clearInterval(look);
    }
  }

  close(): void {
    this.started?.child.kill("SIGKILL");
    this.started = null;
    rmSync(this.cwd, { recursive: true, force: true });
  }

  private async start(): Promise<Started> {
    const { program = worker() } = this.options;
    const child = spawn(process.execPath, program, { cwd: this.cwd, stdio: ["pipe", "pipe", "pipe"] });
    // A process that ended while it was written to says so by its end.
    child.stdin.on("error", () => undefined);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const started: Started = { child, lines, said: "" };
    child.stderr.on("data", (data) => {
      started.said = (started.said + data).slice(-10_000);
    });
    const { value, done } = await lines.next();
    if (done === true || value !== "ready")
      throw new Error(`Expected a process that reads files, got: ${started.said}`);
    return started;
  }
}

function answerOf(line: string): Answer {
  return answerSchema.parse(JSON.parse(line));
}
