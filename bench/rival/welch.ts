import jstat from "jstat";
import { type Estimate, estimate } from "../../packages/salmask/src/base/statistics.js";

/**
 * The difference of two means, `a` minus `b`, with half its 95 % confidence interval (Welch 1947: two groups of their own variances,
 * degrees of freedom by Welch and Satterthwaite). The interval is null where a group has a single value or neither varies.
 */
export function welch(a: readonly number[], b: readonly number[]): Pick<Estimate, "mean" | "halfWidth"> {
  const [first, second] = [estimate(a), estimate(b)];
  const mean = first.mean - second.mean;
  if (first.deviation === null || second.deviation === null) return { mean, halfWidth: null };
  const [s, t] = [first.deviation ** 2 / first.count, second.deviation ** 2 / second.count];
  if (s + t === 0) return { mean, halfWidth: null };
  const freedom = (s + t) ** 2 / (s ** 2 / (first.count - 1) + t ** 2 / (second.count - 1));
  return { mean, halfWidth: jstat.studentt.inv(0.975, freedom) * Math.sqrt(s + t) };
}
