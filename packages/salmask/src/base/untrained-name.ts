/** What tables call a network with new random weights. */
export const untrainedName = "random initialisation";
