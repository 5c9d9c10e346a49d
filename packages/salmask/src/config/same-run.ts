/** Decides whether two configurations belong to the same run. Resuming and experiments both use it. */
import { isDeepStrictEqual } from "node:util";
import { shown } from "../base/faults.js";

/**
 * Settings that may change between the parts of one run, and between a finished run and a request for it, because they
 * do not affect what is learned. Each value is the reason.
 */
const mayDiffer: Readonly<Record<string, string>> = {
  threads: "sums of another order round differently, but the same is learned from the same state",
  // The precision must not change: bfloat16 keeps only 8 significant bits of each factor.
  device: "it rounds in its own way and draws the noise of masks from its own generator, but learns the same",
  deterministic: "a GPU rounds in another order, but the same is learned from the same state",
  "train.logEvery": "it only says which steps are written down",
  "train.checkpointEvery": "it only says when the state is written down",
  "train.keep": "it only says how many old states stay",
  "train.keepEncoders": "it only says how many old encoders stay",
  "train.varianceEvery": "it only says when the embeddings are looked at",
  "train.knnEvery": "it only says when the encoder is scored",
  "train.knnPhotos": "it only says how many photos a score looks at",
  "train.validate": "photos for scores are never learned from",
  "saliency.truth": "true masks are compared with, never learned from",
  "data.cache": "it only says where the photos' pixels lie",
  // Of fine-tuning, whose settings are in no group.
  logEvery: "it only says which steps are written down",
  checkpointEvery: "it only says when the state is written down",
  keep: "it only says how many old states stay",
  cache: "it only says where the photos' pixels lie",
};

/** Every setting in which the two are not the same run, as `train.epochs was 3 and is 4`; none where they are. */
export function differences(before: object, now: object): string[] {
  return compare(before, now, "");
}

/** What a run with these settings learns, as text: equal for settings without {@link differences}. */
export const whatIsLearned = (settings: object): string => JSON.stringify(learnedIn(settings, ""));

function learnedIn(value: unknown, path: string): unknown {
  if (!isTree(value)) return value;
  const names = Object.keys(value).sort();
  const parts = names.map((name) => [name, path === "" ? name : `${path}.${name}`] as const);
  const kept = parts.filter(([, at]) => !(at in mayDiffer));
  return Object.fromEntries(kept.map(([name, at]) => [name, learnedIn(Reflect.get(value, name), at)]));
}

function compare(before: unknown, now: unknown, path: string): string[] {
  if (path in mayDiffer || isDeepStrictEqual(before, now)) return [];
  if (!isTree(before) || !isTree(now)) return [`${path} was ${said(before)} and is ${said(now)}`];
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].flatMap((name) =>
    compare(Reflect.get(before, name), Reflect.get(now, name), path === "" ? name : `${path}.${name}`),
  );
}

const isTree = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const said = (value: unknown) => (value === undefined ? "not set" : shown(value));
