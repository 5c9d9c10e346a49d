/** What the localization network that ships was trained with. */
export const localizerDefaults = { seed: 0, epochs: 4, crop: 96, width: 16, batchSize: 64 };
