/** The training settings of the localization network in this package. */
export const localizerDefaults = { seed: 0, epochs: 4, crop: 96, width: 16, batchSize: 64 };
