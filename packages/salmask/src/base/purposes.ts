/**
 * What a random decision is for: the second number of every key, after the seed. Two decisions never share a
 * stream, because no two purposes share a number. Numbers are never reused; new ones go at the end.
 */
export const purpose = {
  weights: 1,
  order: 2,
  view: 3,
  cells: 4,
  maskMode: 5,
  noise: 6,
  queue: 7,
  shuffle: 8,
  holdOut: 9,
  probe: 10,
  embedded: 11,
  shuffledMaps: 12,
  occlusion: 13,
  variance: 14,
  comparison: 15,
} as const;
