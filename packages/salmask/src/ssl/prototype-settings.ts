/** Settings of methods that compare embeddings with prototypes. */
import { count } from "../base/setting-types.js";

export const prototypeSettings = {
  prototypes: count(2).default(3000).describe("swav, dino: prototypes that embeddings are compared with"),
  frozenEpochs: count(0)
    .default(1)
    .describe("swav, dino: epochs at the start in which the prototypes do not change"),
};
