import { addon } from "./node.js";

/** A layer and the shape of its input `[B, C, H, W]`. */
export interface Case {
  what: string;
  shape: [number, number, number, number];
  out: number;
  kernelSize: number;
  stride?: number;
  padding?: number;
  groups?: number;
  bias?: boolean;
}

/** Layers that go each way through native/convolution.cc. */
export const cases: readonly Case[] = [
  { what: "tiles that fill the plane", shape: [2, 8, 8, 8], out: 16, kernelSize: 3, padding: 1 },
  { what: "tiles over the edge", shape: [3, 16, 7, 9], out: 8, kernelSize: 3, padding: 1 },
  {
    what: "vectors of sixteen, in two panels and a part",
    shape: [3, 16, 7, 9],
    out: 80,
    kernelSize: 3,
    padding: 1,
  },
  {
    what: "vectors of sixteen, from a part of a panel",
    shape: [2, 48, 13, 6],
    out: 16,
    kernelSize: 3,
    padding: 1,
  },
  { what: "a plane within one tile", shape: [5, 24, 2, 1], out: 40, kernelSize: 3, padding: 1 },
  { what: "many tiles and channels", shape: [2, 64, 32, 32], out: 72, kernelSize: 3, padding: 1, bias: true },
  {
    what: "channels that are no multiple of eight",
    shape: [2, 12, 7, 9],
    out: 20,
    kernelSize: 3,
    padding: 1,
  },
  { what: "no padding", shape: [2, 8, 7, 9], out: 8, kernelSize: 3 },
  { what: "a stride", shape: [3, 16, 9, 8], out: 24, kernelSize: 3, stride: 2, padding: 1 },
  { what: "more images than are unfolded at once", shape: [9, 64, 64, 64], out: 4, kernelSize: 3, stride: 2 },
  { what: "a stem", shape: [2, 3, 32, 32], out: 8, kernelSize: 7, stride: 2, padding: 3, bias: true },
  { what: "single pixels", shape: [3, 20, 5, 7], out: 12, kernelSize: 1, bias: true },
  { what: "single pixels with a stride", shape: [3, 16, 5, 7], out: 8, kernelSize: 1, stride: 2 },
  {
    what: "single pixels that oneDNN 2.6 overruns",
    shape: [1, 8, 64, 64],
    out: 16,
    kernelSize: 1,
    stride: 2,
  },
  { what: "single pixels with padding", shape: [3, 16, 5, 7], out: 8, kernelSize: 1, padding: 1 },
  {
    what: "single channels, as in ConvNeXt",
    shape: [3, 24, 14, 19],
    out: 24,
    kernelSize: 7,
    padding: 3,
    groups: 24,
    bias: true,
  },
  {
    what: "single channels without bias",
    shape: [2, 16, 9, 8],
    out: 16,
    kernelSize: 5,
    padding: 2,
    groups: 16,
  },
  { what: "single channels without padding", shape: [2, 8, 4, 11], out: 8, kernelSize: 3, groups: 8 },
  {
    what: "single channels with much padding",
    shape: [2, 8, 1, 2],
    out: 8,
    kernelSize: 7,
    padding: 6,
    groups: 8,
    bias: true,
  },
];

/** The beginning of a script in whose process oneDNN is off: no difference at all is allowed. */
export const withoutOneDnn = `
  const { createRequire } = await import("node:module");
  createRequire(import.meta.url)(${JSON.stringify(addon)}).checkOneDnn(0);
  if (torch.usesOneDnn()) throw new Error("expected no oneDNN");`;
