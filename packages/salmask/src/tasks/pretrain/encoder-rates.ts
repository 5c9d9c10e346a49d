/** The optimizer of a method's network, and the learning rates and the weight decay of its parameters. */
import type { Tensor } from "@salmask/torch";
import type { Method } from "../../ssl/method.js";
import {
  highestRate,
  learningRate,
  type OptimizerSettings,
  optimizerOf,
  type UsualOptimizer,
} from "../../training/optimizer.js";
import type { Learner, Schedule } from "../../training/task.js";

/** Parameters that are treated alike. */
interface Group {
  readonly params: [string, Tensor][];
  readonly rate: Schedule;
  /** null for the settings' weight decay throughout. */
  readonly decay: Schedule | null;
}

const none: Schedule = () => 0;

/** One group for each pair of a learning rate and a weight decay that occurs. */
export function encoderRates(
  train: OptimizerSettings,
  method: Pick<Method, "learned" | "constantRate" | "weightDecay">,
  chosen: UsualOptimizer,
): Pick<Learner<never>, "optimizer" | "lr" | "rates" | "weightDecays"> {
  const { vectorShare = 1 } = chosen;
  const lr = learningRate(train, chosen);
  const highest = highestRate(train, chosen);
  const constant = new Set(method.constantRate?.parameters());
  const atHighest: Schedule = () => highest;
  const ofVectors: Schedule = vectorShare === 1 ? lr : (progress) => vectorShare * lr(progress);
  const scheduled: Schedule = (progress) =>
    method.weightDecay?.(train.weightDecay, progress) ?? train.weightDecay;

  const groups: Group[] = [];
  for (const named of method.learned.namedParameters()) {
    const [, parameter] = named;
    const rate = constant.has(parameter) ? atHighest : parameter.ndim === 1 ? ofVectors : lr;
    const decay = method.weightDecay === undefined ? null : parameter.ndim < 2 ? none : scheduled;
    const group = groups.find((one) => one.rate === rate && one.decay === decay);
    if (group === undefined) groups.push({ params: [named], rate, decay });
    else group.params.push(named);
  }
  const schedules = (of: (group: Group) => Schedule | null) =>
    new Map(
      groups.flatMap((group, place) => {
        const schedule = of(group);
        return schedule === null ? [] : [[place, schedule] as const];
      }),
    );
  return {
    optimizer: optimizerOf(train, chosen, groups),
    lr,
    rates: schedules(({ rate }) => (rate === lr ? null : rate)),
    weightDecays: schedules(({ decay }) => decay),
  };
}
