/** What the embedded data set can be made of. */

/**
 * `demo`: large upright objects, scenes that say nothing of the class. `hard`: small objects among fragments of
 * other drawings, and scenes that go with the class in the train split but not in the test split. `medium`: the same
 * troubles, less of each.
 */
export const difficulties = ["demo", "medium", "hard"] as const;
export type Difficulty = (typeof difficulties)[number];
