import { setNumThreads } from "@salmask/torch";
import { silent } from "../base/events.js";
import { computeOf } from "../compute/compute.js";
import { measureSpeed } from "../tasks/pretrain/measure-speed.js";
import { withBudgets } from "./budget.js";
import { type ExecuteOptions, threadsOf } from "./execute.js";
import type { Plan } from "./plan.js";

/** The plan with all epochs known: rows with the time of another row are measured, on the threads that runs will have. */
export function planInTime(
  plan: Plan,
  { out, jobs, signal, report = silent }: Omit<ExecuteOptions, "plan">,
): Promise<Plan> {
  return withBudgets(plan, {
    out,
    report: (message) => report({ kind: "note", message }),
    measure: (config) => {
      setNumThreads(threadsOf(jobs));
      return measureSpeed(config, computeOf(config), signal);
    },
  });
}
