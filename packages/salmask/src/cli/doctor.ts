import type { Command } from "commander";
import { examine } from "../report/doctor.js";
import { type Context, command } from "./command.js";

export function doctorCommand(context: Context): Command {
  return command(
    context,
    "doctor",
    "Say which library was found, how many threads it uses, and how fast loader and step are.",
    async (_args, _options, output) => {
      const health = await examine(output.line);
      output.result(health, [
        `libtorch   ${health.libtorch.version} from ${health.libtorch.source}, in ${health.libtorch.lib}`,
        `threads    ${health.threads} of ${health.cores} cores`,
        `device     ${health.device}`,
        `decoding   ${health.decodedPerSecond.toFixed(0)} JPEGs of 128 px a second`,
        `step       ${health.stepsPerSecond.toFixed(2)} a second: ${health.stepOf}`,
        ...health.advice.map((line) => `advice     ${line}`),
      ]);
    },
  );
}
