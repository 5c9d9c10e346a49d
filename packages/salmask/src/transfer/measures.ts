/** What can be measured of an encoder on a set: the first three where photos have classes, the last where they have objects. */
export const measures = ["knn", "linear", "finetune", "detect"] as const;
export type Measure = (typeof measures)[number];
