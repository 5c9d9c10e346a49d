import { run } from "../../src/cli/main.js";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process: its exit code, and all that it wrote to both streams. */
export async function salmask(...args: string[]): Promise<Said> {
  const said = { out: "", err: "" };
  const into = (stream: "out" | "err") => (text: string) => {
    said[stream] += text;
  };
  const code = await run(args, { out: into("out"), err: into("err") });
  return { code, ...said };
}
