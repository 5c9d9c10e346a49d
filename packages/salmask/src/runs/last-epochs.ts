/** Epochs at the end of a training whose encoders are scored: the last one. In a file of its own, so that help loads no schema. */
export const usualLastEpochs = 1;
