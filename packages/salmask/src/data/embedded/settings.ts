/** The options of the embedded data set. */

/**
 * `demo`: large upright objects; scenes contain no information about the class. `hard`: small objects among fragments
 * of other drawings; scenes depend on the class in the train split but not in the test split. `medium`: the same
 * difficulties, each to a smaller degree.
 */
export const difficulties = ["demo", "medium", "hard"] as const;
export type Difficulty = (typeof difficulties)[number];
