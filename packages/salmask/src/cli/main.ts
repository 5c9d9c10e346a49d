import { Command, CommanderError } from "commander";
import type { Context } from "./command.js";
import { demoCommand } from "./demo.js";
import { doctorCommand } from "./doctor.js";
import { experimentCommand } from "./experiment.js";
import { processStreams, type Streams } from "./output.js";
import { pretrainCommand } from "./pretrain.js";
import { probeCommand } from "./probe.js";
import { saliencyCommand } from "./saliency.js";
import { viewsCommand } from "./views.js";

const commands = [
  demoCommand,
  pretrainCommand,
  probeCommand,
  viewsCommand,
  saliencyCommand,
  experimentCommand,
  doctorCommand,
];

/** Runs a command line and returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function run(argv: readonly string[], streams: Streams = processStreams): Promise<number> {
  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) process.exit(130);
    streams.err("\nstopping after this step; once more to stop at once\n");
    interrupt.abort();
  };
  const context: Context = { streams, signal: interrupt.signal, exitCode: 0 };
  const program = new Command("salmask")
    .description(
      "Contrastive self-supervised learning for ConvNets, with masks that know where the object is.",
    )
    .exitOverride()
    .configureOutput({ writeOut: streams.out, writeErr: streams.err });
  for (const make of commands) program.addCommand(make(context));
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0 && argv.includes("--json")) {
      streams.out(`${JSON.stringify({ error: { code: error.code, message: error.message } }, null, 2)}\n`);
    }
    return error.exitCode === 0 ? 0 : 2;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
