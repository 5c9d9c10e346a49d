/** Joins the group of processes that this one was started in. */
import { distributed } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import type { Place } from "./environment.js";
import type { Membership } from "./membership.js";
import { ProcessRanks } from "./process-ranks.js";
import type { Ranks } from "./ranks.js";

/**
 * Joins the group of a place, and waits for the other processes at most `timeoutSeconds`, which is also the longest time that one waits
 * for another in a step. Throws the engine's DistributedError, which names the ranks that are
 * missing.
 */
export function joinRanks(place: Place, timeoutSeconds: number): Membership {
  const { rank, worldSize, host, port, isServedByStarter, restarts } = place;
  const isServer = rank === 0 && !isServedByStarter;
  const store = new distributed.TCPStore({ host, port, isServer, timeoutSeconds });
  const opened: Disposable[] = [store];
  const dispose = () => {
    for (const one of opened.splice(0).reverse()) one[Symbol.dispose]();
  };
  // A store that the starter serves still holds what the processes of before have left in it.
  const name = (what: string) => `salmask/${restarts}/${what}`;
  const group = (backend: "gloo" | "nccl") => {
    const made = distributed.ProcessGroup.create({
      backend,
      store,
      rank,
      worldSize,
      timeoutSeconds,
      name: name(backend),
    });
    opened.push(made);
    return made;
  };
  const ranksOf = (device: distributed.ProcessGroup) =>
    new ProcessRanks({ group: device, host: hosts, store, name: name(device.backend) });
  let hosts: distributed.ProcessGroup;
  try {
    hosts = group("gloo");
  } catch (error) {
    dispose();
    throw error;
  }
  const ranks = ranksOf(hosts);
  return {
    ranks,
    ranksOn(device) {
      refuseOtherDevices(ranks, device);
      return device === "cpu" ? ranks : ranksOf(group("nccl"));
    },
    [Symbol.dispose]: dispose,
  };
}

function refuseOtherDevices(ranks: Ranks, device: string): void {
  const all = ranks.exchange(device);
  const without = all.flatMap((one, rank) => (one === "cpu" ? [rank] : []));
  if (without.length === 0 || without.length === all.length) return;
  throw new UsageError(
    "other-devices",
    `Expected a GPU for each of ${all.length} processes or for none, got none for ${without.length === 1 ? "rank" : "ranks"} ${without.join(", ")}. ` +
      "Start as many processes as there are GPUs on a machine, or give --device cpu.",
  );
}
