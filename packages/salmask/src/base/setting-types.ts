/** Kinds of settings that several rooms have. */
import { z } from "zod";

/** Everything in it, as a reader sees it: a setting is read by many and changed by none. */
export type ReadOnly<T> = { readonly [K in keyof T]: ReadOnly<T[K]> };

/** The largest count that has a use: one more does not fit the engine's 32-bit numbers. */
const largestCount = 2 ** 31 - 1;

/** A whole number from `least`. */
export const count = (least: number, most = largestCount) => z.int().min(least).max(most);

/** From 0 to 1. */
export const share = () => z.number().min(0).max(1);

/** Two numbers between the limits, the smaller first. */
export function range(least: number, most: number) {
  const expected = `two numbers from ${least} to ${most}, the smaller first, as 0.1,0.4`;
  return z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, { message: expected })
    .meta({ expected });
}

/** A whole number that has a middle, as the side of a filter. */
export function odd() {
  const expected = "an odd number from 1 to 1023";
  return count(1, 1023)
    .refine((n) => n % 2 === 1, { message: expected })
    .meta({ expected });
}

/** What a union of kinds is given where it is given no name: the kind `name`. */
export const named = (name: string) => (given: unknown) =>
  typeof given === "object" && given !== null ? { name, ...given } : given;
