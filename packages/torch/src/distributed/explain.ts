import { DistributedError, named } from "./distributed-error.js";

/** What is known where ranks did not work together. */
export interface Failed {
  /** What was asked for, such as `an all-reduce`. */
  what: string;
  rank: number;
  worldSize: number;
  timeoutSeconds: number;
  /** Where the store is. */
  store: string;
  /** The addon's verdict (native/distributed/presence.h). */
  verdict: string;
  /** What the backend said, where one was asked. */
  reason?: string;
  cause?: unknown;
}

/** The error that names who is missing. */
export function explained(failed: Failed): DistributedError {
  const { what, rank, worldSize, timeoutSeconds, store, verdict, reason, cause } = failed;
  const [kind, list = ""] = verdict.split(" ");
  const ranks = list === "" ? [] : list.split(",").map(Number);
  const wanted = `Expected all ${worldSize} ranks in ${what}`;
  const said = reason === undefined ? "" : ` The backend's words: ${reason}`;
  const missing = (got: string) =>
    new DistributedError("rank-missing", `${wanted}, got ${got}.${said}`, { ranks, cause });
  const who = ranks.length === 0 ? "" : named(ranks);
  switch (kind) {
    case "gone":
      return missing(`no sign of life from ${who}: killed, stopped or cut off`);
    case "left":
      return missing(`${who} that left the group before`);
    case "behind":
      return ranks.includes(rank)
        ? missing(
            `this one, rank ${rank}, too late: the others waited ${timeoutSeconds} s for it and have given up`,
          )
        : missing(`${who} late: nothing for ${timeoutSeconds} s, but alive`);
    case "store":
      return ranks.length > 0
        ? missing(
            `no sign of life from ${who}, which holds the store at ${store}: killed, stopped or cut off`,
          )
        : new DistributedError(
            "store-failed",
            `${wanted}, got no answer from the store at ${store}.${said}`,
            { cause },
          );
    default:
      return new DistributedError(
        "collective-failed",
        `${wanted}, and all are there, but got a failure.${said}`,
        {
          cause,
        },
      );
  }
}
