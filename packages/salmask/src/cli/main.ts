import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import type { Context } from "./command.js";
import { launchedVariable } from "./launched.js";
import { processStreams, type Streams } from "./output.js";

interface Entry {
  name: string;
  description: string;
  /** Loads one command, so that the options and settings of the others are not loaded. */
  load(): Promise<(context: Context) => Command>;
}

const entries: readonly Entry[] = [
  {
    name: "demo",
    description: "Train on the embedded data set with the full method, and probe what was learned.",
    load: async () => (await import("./demo.js")).demoCommand,
  },
  {
    name: "pretrain",
    description: "Train an encoder on unlabelled photos.",
    load: async () => (await import("./pretrain.js")).pretrainCommand,
  },
  {
    name: "probe",
    description: "Score an encoder by kNN and a linear classifier.",
    load: async () => (await import("./probe.js")).probeCommand,
  },
  {
    name: "embed",
    description: "Write the embeddings of photos to a file.",
    load: async () => (await import("./embed.js")).embedCommand,
  },
  {
    name: "search",
    description: "Find the photos that are most like a photo, as a list and as pictures.",
    load: async () => (await import("./search.js")).searchCommand,
  },
  {
    name: "duplicates",
    description: "Find photos that show the same picture: the same bytes, or nearly the same embedding.",
    load: async () => (await import("./duplicates.js")).duplicatesCommand,
  },
  {
    name: "label",
    description: "Give photos the likeliest of some classes, learned from a few examples of each.",
    load: async () => (await import("./label.js")).labelCommand,
  },
  {
    name: "import",
    description:
      "Convert an encoder's weights of PyTorch, torchvision or MoCo, without running any code in the file.",
    load: async () => (await import("./import.js")).importCommand,
  },
  {
    name: "finetune",
    description: "Train an encoder and a classifier on photos with labels, few or many.",
    load: async () => (await import("./finetune.js")).finetuneCommand,
  },
  {
    name: "detect",
    description: "Train a detector on an encoder, score it, or find objects in photos.",
    load: async () => (await import("./detect.js")).detectCommand,
  },
  {
    name: "transfer",
    description: "Measure encoders on other sets, beside each other and random initialisation, as one table.",
    load: async () => (await import("./transfer.js")).transferCommand,
  },
  {
    name: "analyse",
    description: "Look at what encoders have learned, by several measures, beside each other.",
    load: async () => (await import("./analyse.js")).analyseCommand,
  },
  {
    name: "export",
    description:
      "Take an encoder or a detector elsewhere: as safetensors, for torchvision, or as an ONNX graph.",
    load: async () => (await import("./export.js")).exportCommand,
  },
  {
    name: "views",
    description: "Draw a sheet of queries, keys, hard negatives and saliency, before anyone trains.",
    load: async () => (await import("./views.js")).viewsCommand,
  },
  {
    name: "saliency",
    description: "Score what finds objects, or train a network that does.",
    load: async () => (await import("./saliency.js")).saliencyCommand,
  },
  {
    name: "experiment",
    description: "Carry out a grid of runs with seeds, and end in a table with intervals.",
    load: async () => (await import("./experiment.js")).experimentCommand,
  },
  {
    name: "watch",
    description: "Show runs on a local page, while they train or later.",
    load: async () => (await import("./watch.js")).watchCommand,
  },
  {
    name: "report",
    description: "Write what the page shows of some runs to one HTML file.",
    load: async () => (await import("./report.js")).reportCommand,
  },
  {
    name: "doctor",
    description: "Say how fit this machine is, or what is wrong with a run and what to try.",
    load: async () => (await import("./doctor.js")).doctorCommand,
  },
  {
    name: "data",
    description: "Check a data set, or draw the embedded one.",
    load: async () => (await import("./data.js")).dataCommand,
  },
  {
    name: "cache",
    description: "List the caches of decoded photos, or remove those that nobody uses.",
    load: async () => (await import("./cache.js")).cacheCommand,
  },
];

/** The signals that ask a process to end, with descriptions for messages. */
const endings = {
  SIGINT: "interrupt",
  SIGTERM: "request to end",
  SIGHUP: "closing of the terminal",
} as const;

/** Whether this program has started this process, as one of several. */
const isLaunched = process.env[launchedVariable] !== undefined && process.channel !== undefined;

/** Runs a command line and returns its exit code: 0 success, 1 failure, 2 wrong usage, 130 interrupted. */
export async function run(argv: readonly string[], streams: Streams = processStreams()): Promise<number> {
  const interrupt = new AbortController();
  const context: Context = { argv, streams, signal: interrupt.signal, isWorking: false, exitCode: 0 };
  const stop = (signal: keyof typeof endings) => {
    if (!context.isWorking || interrupt.signal.aborted) process.exit(130);
    // Of processes that this program has started, the one that started them says it.
    if (!isLaunched)
      streams.err(`\n${endings[signal]}: stopping as soon as it is safe; once more to stop at once\n`);
    interrupt.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  // The process that started this one is gone.
  const leave = () => stop("SIGTERM");
  if (isLaunched) process.once("disconnect", leave).channel?.unref();
  try {
    const program = await programOf(argv, context);
    await program.parseAsync([...argv], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0 && argv.includes("--json")) {
      streams.out(`${JSON.stringify({ error: { code: error.code, message: error.message } }, null, 2)}\n`);
    }
    return error.exitCode === 0 ? 0 : 2;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
  }
}

/** All commands by name; only the requested one is loaded. */
async function programOf(argv: readonly string[], context: Context): Promise<Command> {
  const output = { writeOut: context.streams.out, writeErr: context.streams.err };
  const program = new Command("salmask")
    .description(
      "Contrastive self-supervised learning for ConvNets, with masks that know where the object is.",
    )
    .version(version(), "--version", "print the version")
    .exitOverride()
    .configureOutput(output)
    .addHelpText(
      "after",
      `
More: salmask COMMAND --help
Run it inside the clone, as npx salmask. Elsewhere npx asks a registry for a package of that name, which is not this
one: give the path then, CLONE/packages/salmask/bin/salmask.js`,
    );
  const [first, second] = argv.filter((arg) => !arg.startsWith("-"));
  const asked = first === "help" ? second : first;
  for (const { name, description, load } of entries) {
    const make = name === asked ? await load() : () => new Command();
    program.addCommand(make(context).name(name).description(description));
  }
  return program;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version: named }: { version: string } = JSON.parse(text);
  return named;
}
