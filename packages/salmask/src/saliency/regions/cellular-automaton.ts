import { toUnitRange } from "../unit-range.js";
import { linkScale, type Regions, squaredDistance } from "./regions.js";

/** Groups of the border's looks (from the paper). */
const groups = 3;
/** Rounds of k-means; more move nothing. */
const rounds = 15;
/** Width of the contrast in looks, of which the largest difference is 1, and what limits the contrast (from the paper). */
const contrast = { width: 0.2, limit: 10 };
/** Width of the weight of a group by its place, as a share of the picture's side (from the paper). */
const placeWidth = 1.3;
/** Steps of the automaton, and the least and the largest share of its value that a region keeps in each (from the paper). */
const automaton = { steps: 20, least: 0.2, most: 0.8 };

/**
 * The saliency of regions `[N]`, scaled to [0, 1]; all 0 where all look the same (Qin et al. 2015, "Saliency Detection via Cellular
 * Automata", sections 3.1 and 3.2): regions unlike the groups of colours along the border, which then become more like their neighbours.
 */
export function cellularAutomaton(regions: Regions): Float64Array {
  const { differences, count } = regions;
  const scale = linkScale(regions);
  if (scale === null) return new Float64Array(count);
  const largest = differences.reduce((most, value) => Math.max(most, value), 0);
  const sum = new Float64Array(count);
  for (const group of borderGroups(regions)) {
    const unlike = new Float64Array(count);
    const near = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      for (const j of group) {
        const difference = differences[i * count + j] / largest;
        unlike[i] += 1 / (Math.exp(-difference / (2 * contrast.width ** 2)) + contrast.limit);
        near[i] += Math.exp(-squaredDistance(regions, i, j) / (2 * placeWidth ** 2));
      }
    }
    toUnitRange(unlike);
    toUnitRange(near);
    for (let i = 0; i < count; i++) sum[i] += unlike[i] * near[i];
  }
  return agree(regions, toUnitRange(sum), scale);
}

/** The regions on the border, in groups of like looks: k-means from centres spread along the border. */
function borderGroups({ sides, looks, count }: Regions): number[][] {
  const border = [...new Set(sides.flat())];
  const length = looks.length / count;
  const lookOf = (region: number) => looks.subarray(length * region, length * (region + 1));
  let centres = Array.from({ length: groups }, (_, k) =>
    lookOf(border[Math.floor(((k + 0.5) * border.length) / groups)]),
  );
  let parts: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    parts = centres.map(() => []);
    for (const region of border) {
      const distances = centres.map((centre) =>
        centre.reduce((sum, value, i) => sum + (value - lookOf(region)[i]) ** 2, 0),
      );
      parts[distances.indexOf(Math.min(...distances))].push(region);
    }
    parts = parts.filter((part) => part.length > 0);
    centres = parts.map((part) =>
      Float64Array.from(
        { length },
        (_, i) => part.reduce((sum, region) => sum + lookOf(region)[i], 0) / part.length,
      ),
    );
  }
  return parts;
}

/**
 * Makes the values of linked regions agree: in each step a region keeps more of its own value the less it is like its most
 * alike neighbour. `[N]` to `[N]`, scaled to [0, 1].
 */
function agree({ count, differences, links }: Regions, values: Float64Array, scale: number): Float64Array {
  const influence = new Float64Array(count * count);
  const kept = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let [sum, most] = [0, 0];
    for (let j = 0; j < count; j++) {
      const at = i * count + j;
      if (links[at] === 0) continue;
      influence[at] = Math.exp(-scale * differences[at]);
      sum += influence[at];
      most = Math.max(most, influence[at]);
    }
    kept[i] = 1 / most;
    for (let j = 0; j < count; j++) influence[i * count + j] /= sum;
  }
  const { steps, least, most } = automaton;
  for (const [i, value] of toUnitRange(kept).entries()) kept[i] = least + (most - least) * value;
  let state = values;
  for (let step = 0; step < steps; step++) {
    const next = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let around = 0;
      for (let j = 0; j < count; j++) around += influence[i * count + j] * state[j];
      next[i] = kept[i] * state[i] + (1 - kept[i]) * around;
    }
    state = toUnitRange(next);
  }
  return state;
}
