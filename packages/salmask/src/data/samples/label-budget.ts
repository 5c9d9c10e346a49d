/** How many labels are known, as people write it. */
import { UsageError } from "../../base/errors.js";

/** How many labels of each class are known. */
export type LabelBudget =
  | { readonly kind: "all" }
  /** Above 0, at most 1. */
  | { readonly kind: "share"; readonly share: number }
  /** From 1. */
  | { readonly kind: "perClass"; readonly count: number };

/** The texts that are budgets, for help and for errors. */
export const labelBudgetForm = "all, a share such as 10%, or a number per class such as 5";

/** `all`, a share such as `10%`, or a number of photos per class such as `5`. Throws {@link UsageError} `bad-labels`. */
export function labelBudget(text: string): LabelBudget {
  const budget = budgetOf(text);
  if (budget !== null) return budget;
  throw new UsageError(
    "bad-labels",
    `Expected labels to be ${labelBudgetForm}, got ${JSON.stringify(text)}.`,
  );
}

export const isLabelBudget = (text: string): boolean => budgetOf(text) !== null;

function budgetOf(text: string): LabelBudget | null {
  if (text === "all") return { kind: "all" };
  const [, number, sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(number);
  if (sign === "%" && value > 0 && value <= 100) return { kind: "share", share: value / 100 };
  if (sign === "" && Number.isSafeInteger(value) && value >= 1) return { kind: "perClass", count: value };
  return null;
}
