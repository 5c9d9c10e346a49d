/**
 * The purpose of a random decision: the second number of every key, after the seed. Each purpose has its own number, so
 * two decisions never share a stream. Numbers are never reused; add new ones at the end.
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
  embeddedObjects: 16,
  knownLabels: 17,
  classifier: 18,
  split: 19,
  mirrored: 20,
  anchors: 21,
  proposals: 22,
  shortSide: 23,
  partner: 24,
  solarize: 25,
  analysis: 26,
  exportCheck: 27,
  map: 28,
} as const;
