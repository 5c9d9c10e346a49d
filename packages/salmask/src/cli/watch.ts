import type { Command } from "commander";
import { begin, type Context, command, countOption, withExamples } from "./command.js";

export function watchCommand(context: Context): Command {
  const made = command(context, async ([folder = "runs"], options, output) => {
    const port = countOption(options, "port", 0, { least: 0, most: 65_535 });
    const { serveWatch } = await begin(context, import("../watch/server.js"));
    const server = await serveWatch({ folder, port });
    output.result({ folder, url: server.url }, [
      `${folder} is shown at ${server.url}, to programs on this machine alone. Ctrl-C ends it.`,
    ]);
    await new Promise<void>((done) => {
      if (context.signal.aborted) done();
      context.signal.addEventListener("abort", () => done(), { once: true });
    });
    await server.close();
  })
    .argument("[folder]", "a run's folder, or one with runs in it at any depth up to 8", "runs")
    .option("--port <n>", "the page's port; 0: any free one", "8017");
  return withExamples(made, "watch", "watch runs/pretrain", "watch runs/embedded-masks --port 0");
}
