/** Random decisions of analyses: each has its own stream. Numbers are never reused. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../base/purposes.js";

const decisions = { sample: 0, views: 1, corruption: 2, background: 3, texture: 4, masks: 5 } as const;

/** The stream of a decision of an analysis; `key` names what is decided on, such as a photo. */
export function decide(seed: number, decision: keyof typeof decisions, ...key: number[]): KeyedRandom {
  return new KeyedRandom(seed, purpose.analysis, decisions[decision], ...key);
}
