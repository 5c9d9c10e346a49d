/** Encoders that follow another one, slowly. */
import { type nn, noGrad, ops } from "@salmask/torch";

/** `follower = momentum * follower + (1 - momentum) * leader` for every parameter; buffers such as running statistics are its own. */
export function follow(follower: nn.Module, leader: nn.Module, momentum: number): void {
  noGrad(() => {
    const parameters = follower.parameters();
    ops.foreachMul_(parameters, momentum);
    ops.foreachAdd_(parameters, leader.parameters(), { alpha: 1 - momentum });
  });
}

/** From `start` to 1 along half a cosine, over the `progress` of a run, 0 to 1 (Grill et al. 2020, section 3.3). */
export function risingMomentum(start: number, progress: number): number {
  return 1 - ((1 - start) * (Math.cos(Math.PI * progress) + 1)) / 2;
}
