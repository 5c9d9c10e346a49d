/** The training settings of the localization network in this package. */
export const localizerDefaults = {
  seed: 0,
  rounds: 1,
  epochs: 6,
  consensusPhotos: 20000,
  crop: 64,
  width: 24,
  batchSize: 32,
};

/** What finds the objects for the labels: methods without a network, or the network of the round before. */
export const teachers = ["consensus", "own"] as const;
export type Teacher = (typeof teachers)[number];
