/** Types of settings that several modules use. */
import { z } from "zod";

/** A deeply read-only version of a type: many parts read the settings, and none may change them. */
export type ReadOnly<T> = { readonly [K in keyof T]: ReadOnly<T[K]> };

/** The largest useful count: larger numbers do not fit the engine's 32-bit integers. */
const largestCount = 2 ** 31 - 1;

/** A whole number of at least `least`. */
export const count = (least: number, most = largestCount) => z.int().min(least).max(most);

/** From 0 to 1. */
export const share = () => z.number().min(0).max(1);

/** Two numbers within the limits, the smaller first. */
export function range(least: number, most: number) {
  const expected = `two numbers from ${least} to ${most}, the smaller first, as 0.1,0.4`;
  return z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, { message: expected })
    .meta({ expected });
}

/** An odd number, such as the side of a filter with a central element. */
export function odd() {
  const expected = "an odd number from 1 to 1023";
  return count(1, 1023)
    .refine((n) => n % 2 === 1, { message: expected })
    .meta({ expected });
}

/** In a union of kinds, settings without a name belong to the kind `name`. */
export const named = (name: string) => (given: unknown) =>
  typeof given === "object" && given !== null ? { name, ...given } : given;
