/** Gives rows as much time as another row takes, by measured steps, so that methods can be compared at equal seconds. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../base/errors.js";
import { listed } from "../base/faults.js";
import { writeFileAtomic } from "../base/files.js";
import type { RunConfig } from "../config/schema.js";
import type { Plan } from "./plan.js";

/** The time that a run needs; `Speed` of tasks/pretrain/measure-speed. */
export interface MeasuredSpeed {
  /** Seconds per step. */
  readonly step: number;
  /** Seconds per photo that are needed once. */
  readonly photo: number;
}

export interface BudgetOptions {
  /** The folder of the experiment, which remembers the epochs: a run that goes on must not get others. */
  readonly out: string;
  readonly measure: (config: RunConfig) => Promise<MeasuredSpeed>;
  readonly report?: (line: string) => void;
}

const rounds = 3;

const storedSchema = z.array(z.object({ row: z.string(), settings: z.string(), epochs: z.int().min(1) }));

/**
 * The plan with the epochs of rows that have the time of another row. Measures both in turn, unless it did before. Throws {@link UsageError}
 * `bad-experiment` where the time is too short for the epochs that are scored.
 */
export async function withBudgets(plan: Plan, { out, measure, report }: BudgetOptions): Promise<Plan> {
  if (plan.rows.every(({ sameSecondsAs }) => sameSecondsAs === null)) return plan;
  const path = join(out, "epochs.json");
  const known = existsSync(path) ? storedSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : [];
  const kept: z.infer<typeof storedSchema> = [];
  const rows: Plan["rows"] = [];
  const faults: string[] = [];
  for (const row of plan.rows) {
    const other = plan.rows.find(({ name }) => name === row.sameSecondsAs);
    if (other === undefined) {
      rows.push(row);
      continue;
    }
    // The epochs of the row itself are what is chosen here.
    const settings = JSON.stringify([withEpochs(row.config, 1), other.config]);
    const before = known.find((entry) => entry.row === row.name && entry.settings === settings);
    const epochs = before?.epochs ?? (await epochsFor(row.config, other.config, measure));
    report?.(`${row.name}: ${epochs} epochs take as long as ${other.config.train.epochs} of ${other.name}`);
    if (epochs < plan.lastEpochs) {
      faults.push(
        `${row.name}: sameSecondsAs: expected time for the ${plan.lastEpochs} epochs of lastEpochs, got ${epochs} in the time of ` +
          `${other.name}. Lower lastEpochs, or raise train.epochs of ${other.name}`,
      );
    }
    kept.push({ row: row.name, settings, epochs });
    rows.push({ ...row, config: withEpochs(row.config, epochs) });
  }
  await writeFileAtomic(path, `${JSON.stringify(kept, null, 2)}\n`);
  if (faults.length > 0) {
    throw new UsageError(
      "bad-experiment",
      `Expected rows that can be scored over their last epochs in ${plan.name}, got ${faults.length} faults:${listed(faults)}`,
    );
  }
  return { ...plan, rows };
}

const withEpochs = (config: RunConfig, epochs: number): RunConfig => ({
  ...config,
  train: { ...config.train, epochs },
});

/** The epochs of `config` that take as long as those of `other`, at least one; by medians of rounds in turn. */
async function epochsFor(
  config: RunConfig,
  other: RunConfig,
  measure: BudgetOptions["measure"],
): Promise<number> {
  const found: Record<"own" | "others", MeasuredSpeed[]> = { own: [], others: [] };
  for (let round = 0; round < rounds; round++) {
    found.own.push(await measure(config));
    found.others.push(await measure(other));
  }
  const [own, others] = [medians(found.own), medians(found.others)];
  const seconds = others.photo + (other.train.epochs * others.step) / other.train.batchSize; // per photo
  return Math.max(1, Math.round((seconds - own.photo) / (own.step / config.train.batchSize)));
}

function medians(speeds: readonly MeasuredSpeed[]): MeasuredSpeed {
  const median = (of: keyof MeasuredSpeed) =>
    speeds.map((speed) => speed[of]).sort((a, b) => a - b)[Math.floor(speeds.length / 2)];
  return { step: median("step"), photo: median("photo") };
}
