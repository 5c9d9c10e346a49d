import { count } from "../base/setting-types.js";

export const predictorHidden = (usual: number) =>
  count(2, 65536).default(usual).describe("byol, mocov3, simsiam: width of the predictor's middle layer");
