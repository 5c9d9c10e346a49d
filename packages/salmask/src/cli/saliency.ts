import { Command } from "commander";
import type { Context } from "./command.js";
import { saliencyEvalCommand } from "./saliency-eval.js";
import { saliencyTrainCommand } from "./saliency-train.js";

export function saliencyCommand(context: Context): Command {
  return new Command()
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(saliencyEvalCommand(context))
    .addCommand(saliencyTrainCommand(context));
}
