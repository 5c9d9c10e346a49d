import type { Command } from "commander";
import type { Diagnosis } from "../analysis/diagnose.js";
import { percent } from "../base/format.js";
import { type StageSeconds, stages } from "../base/stage-clock.js";
import { begin, type Context, command, withExamples } from "./command.js";
import type { Output } from "./output.js";

export function doctorCommand(context: Context): Command {
  const made = command(context, async ([run], _options, output) => {
    if (run === undefined) await examineMachine(context, output);
    else await diagnoseRun(context, run, output);
  }).argument("[run]", "a run's folder; without one the machine is looked at");
  return withExamples(made, "doctor", "doctor runs/pretrain");
}

async function examineMachine(context: Context, output: Output): Promise<void> {
  const { examine } = await begin(context, import("../analysis/machine.js"));
  const health = await examine({ signal: context.signal, report: output.report });
  output.result(health, [
    `libtorch   ${health.libtorch.version} from ${health.libtorch.source}, in ${health.libtorch.lib}`,
    `threads    ${health.threads} of ${health.cores} cores`,
    `device     ${health.device}`,
    `decoding   ${health.decodedPerSecond.toFixed(0)} JPEGs of 128 px a second`,
    `step       ${health.stepsPerSecond.toFixed(2)} a second: ${health.stepOf}`,
    ...health.advice.map((line) => `advice     ${line}`),
  ]);
}

async function diagnoseRun(context: Context, run: string, output: Output): Promise<void> {
  const { diagnose } = await begin(context, import("../analysis/diagnose.js"));
  const diagnosis = diagnose(run);
  const { steps, last } = diagnosis;
  const variance = last.branchVariance;
  output.result(diagnosis, [
    [
      `${run}: ${steps} steps`,
      ...(last.loss === null ? [] : [`loss ${last.loss.toFixed(3)}`]),
      ...(last.contrastAccuracy === null ? [] : [`contrast ${percent(last.contrastAccuracy)}`]),
      ...(last.rank === null ? [] : [`rank ${last.rank.toFixed(1)}`]),
    ].join(", "),
    ...(last.seconds === null ? [] : [timeLine(last.seconds)]),
    ...(last.iou === null ? [] : [`saliency meets the true masks at an IoU of ${last.iou.toFixed(2)}`]),
    ...(variance === null
      ? []
      : [
          `variance over one photo's views: query ${variance.query.toFixed(3)}, key ${variance.key.toFixed(3)}`,
        ]),
    ...findingLines(diagnosis),
  ]);
}

function findingLines({ kind, findings }: Diagnosis): string[] {
  if (findings === null) return [`There are no checks for a run of ${kind}, only for one of pretrain.`];
  if (findings.length === 0) return ["Nothing looks wrong."];
  return findings.flatMap(({ what, mend }) => ["", what, `  ${mend}`]);
}

/** The stages of a step with their time, the longest first. */
function timeLine(seconds: StageSeconds): string {
  const total = stages.reduce((sum, stage) => sum + seconds[stage], 0);
  const parts = stages
    .toSorted((a, b) => seconds[b] - seconds[a])
    .map((stage) => `${stage} ${((100 * seconds[stage]) / total).toFixed(0)} %`);
  return `a step takes ${total.toPrecision(3)} s: ${parts.join(", ")}`;
}
