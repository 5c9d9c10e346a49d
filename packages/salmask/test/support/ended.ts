import type { ChildProcess } from "node:child_process";

/** How a process ended, and what it wrote to standard output and standard error. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Waits until a process has ended and its pipes are closed. */
export function ended(child: ChildProcess): Promise<Ended> {
  const said = { out: "", err: "" };
  child.stdout?.on("data", (data) => {
    said.out += data;
  });
  child.stderr?.on("data", (data) => {
    said.err += data;
  });
  return new Promise((done, fail) =>
    child.on("error", fail).on("close", (code, signal) => done({ code, signal, ...said })),
  );
}
