/**
 * Decisions about a mean difference after looks at growing data, by a bound that is fixed beforehand and keeps the error of a single test
 * (O'Brien and Fleming 1979, "A Multiple Testing Procedure for Clinical Trials"; Jennison and Turnbull 2000, "Group Sequential Methods with
 * Applications to Clinical Trials", sections 2.4, 4.4 and 9).
 */
import jstat from "jstat";
import { leastEnough, meanAndDeviation, usualPower } from "./statistics.js";

/** The probability, over all looks together and both sides, of an interval without the true difference. */
const error = 0.05;

/** A look at the data. */
export interface Look {
  /** Values that there are at this look, at least 2. */
  readonly count: number;
  /** The two-sided level of the test at this look. */
  readonly level: number;
  /** The quantile of Student's t that half an interval has as a factor. */
  readonly critical: number;
}

/**
 * The looks after `counts` values, growing, with O'Brien and Fleming's bound: the sum of the values must pass the same height at every look,
 * so that the first looks ask for much and the last one for hardly more than a single test does.
 */
export function looksOf(counts: readonly number[]): Look[] {
  let [low, high] = [0, 10];
  const last = counts[counts.length - 1];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (crossing(counts, middle * Math.sqrt(last)) > error) low = middle;
    else high = middle;
  }
  return counts.map((count) => {
    const level = 2 * (1 - normal(high * Math.sqrt(last / count)));
    return { count, level, critical: jstat.studentt.inv(1 - level / 2, count - 1) };
  });
}

/** What is decided about a claim that the mean difference is above 0, and at least {@link DecisionRule.least} where it is true. */
export type Verdict = "shown" | "refuted" | "undecided";

export interface DecisionRule {
  readonly looks: readonly Look[];
  /** The smallest difference that is of interest, above 0. */
  readonly least: number;
}

/** What a look says. */
export interface Decision {
  /**
   * `shown`: the interval is wholly above 0. `refuted`: it is wholly below the smallest difference of interest, and not above 0.
   * `undecided`: neither.
   */
  readonly verdict: Verdict;
  /** Values that it rests on. */
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation of the values. */
  readonly deviation: number;
  /** The 95 % interval of the mean: of all looks together it leaves out the truth in 5 % of the cases at most. */
  readonly low: number;
  readonly high: number;
}

/**
 * The decision of the first look that makes one, or else that of the last look whose values are all there; null before the first look.
 *
 * @param values in their order, null for those that are missing
 */
export function decide(values: readonly (number | null)[], { looks, least }: DecisionRule): Decision | null {
  let decision: Decision | null = null;
  for (const { count, critical } of looks) {
    const seen = values.slice(0, count).filter((value) => value !== null);
    if (seen.length < count) return decision;
    const { mean, deviation } = meanAndDeviation(seen);
    const half = (critical * deviation) / Math.sqrt(count);
    const [low, high] = [mean - half, mean + half];
    const verdict = low > 0 ? "shown" : high < least ? "refuted" : "undecided";
    decision = { verdict, count, mean, deviation, low, high };
    if (verdict !== "undecided") return decision;
  }
  return decision;
}

/**
 * The number of values, more than the undecided ones, with which a look would show or refute the claim in 80 % of the cases, if mean and
 * deviation are the true ones; Infinity if it is more than `mostPairs`. It counts on the level of the look that would see them, which is
 * stricter for an early one, and beyond the last look on that of the last one.
 */
export function valuesToDecide(
  { mean, deviation, count }: Pick<Decision, "mean" | "deviation" | "count">,
  { looks, least }: DecisionRule,
): number {
  const effect = Math.max(mean, least - mean) / deviation;
  return leastEnough(count, (values) => {
    const { level } = looks.find((look) => look.count >= values) ?? looks[looks.length - 1];
    return powerOf(effect, values, level) >= usualPower;
  });
}

/** The probability that a true mean of `effect` standard deviations is found to be above 0 by a test of a two-sided level. */
function powerOf(effect: number, values: number, level: number): number {
  const freedom = values - 1;
  const critical = jstat.studentt.inv(1 - level / 2, freedom);
  return 1 - jstat.noncentralt.cdf(critical, freedom, effect * Math.sqrt(values));
}

/**
 * The two-sided p over all looks up to the one after `count` values: the smallest error with which O'Brien and Fleming's bound would have been
 * passed at one of them.
 */
export function sequentialP(
  values: readonly (number | null)[],
  looks: readonly Look[],
  count: number,
): number {
  const counts = looks.map((look) => look.count);
  const ps = counts
    .filter((seen) => seen <= count)
    .map((seen) => {
      const { mean, deviation } = meanAndDeviation(values.slice(0, seen).filter((value) => value !== null));
      return passing(counts, seen, pairedP(mean, deviation, seen));
    });
  return Math.min(1, ...ps);
}

/** The two-sided p of a paired t-test. */
function pairedP(mean: number, deviation: number, count: number): number {
  if (deviation === 0) return mean === 0 ? 1 : 0;
  const t = Math.abs(mean) / (deviation / Math.sqrt(count));
  return 2 * (1 - jstat.studentt.cdf(t, count - 1));
}

/** The error over all looks of the bound that a result with the two-sided `p` after `count` values just passes. */
function passing(counts: readonly number[], count: number, p: number): number {
  if (p <= 0) return 0;
  const z = jstat.normal.inv(1 - p / 2, 0, 1);
  return Number.isFinite(z) ? crossing(counts, z * Math.sqrt(count)) : 0;
}

/**
 * Holm's adjusted p (1979): with those of at most 5 %, the error over all hypotheses together is 5 %.
 *
 * @param ps one per hypothesis
 */
export function holm(ps: readonly number[]): number[] {
  const order = Array.from(ps.keys()).sort((a, b) => ps[a] - ps[b]);
  const adjusted = new Array<number>(ps.length);
  let most = 0;
  for (const [place, i] of order.entries()) {
    most = Math.min(1, Math.max(most, (ps.length - place) * ps[i]));
    adjusted[i] = most;
  }
  return adjusted;
}

/** Points per side of the grid on which the density of a sum is known; even. */
const points = 200;

/**
 * The probability that the sum of independent standard normal values is farther from 0 than `edge` after at least one of `counts`
 * (Armitage, McPherson and Rowe 1969), by Simpson's rule.
 */
function crossing(counts: readonly number[], edge: number): number {
  if (edge <= 0) return 1;
  const step = (2 * edge) / points;
  const places = Array.from({ length: points + 1 }, (_, i) => -edge + i * step);
  const simpson = places.map((_, i) => (step / 3) * (i === 0 || i === points ? 1 : i % 2 === 1 ? 4 : 2));
  // Where the sum is, with which probability, if it has never passed the edge.
  let from: readonly { readonly at: number; readonly mass: number }[] = [{ at: 0, mass: 1 }];
  let before = 0;
  for (const count of counts.slice(0, -1)) {
    const spread = Math.sqrt(count - before);
    from = places.map((at, i) => ({
      at,
      mass:
        (simpson[i] * from.reduce((sum, one) => sum + one.mass * density((at - one.at) / spread), 0)) /
        spread,
    }));
    before = count;
  }
  const spread = Math.sqrt(counts[counts.length - 1] - before);
  const within = (at: number) => normal((edge - at) / spread) - normal((-edge - at) / spread);
  return 1 - from.reduce((sum, { at, mass }) => sum + mass * within(at), 0);
}

const density = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
const normal = (z: number) => jstat.normal.cdf(z, 0, 1);
