/** Whether an ONNX file computes in ONNX Runtime what our own network computes. */
import { KeyedRandom, type Tensor } from "@salmask/torch";
import type { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { messageOf, SalmaskError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";
import type { PixelType } from "../targets.js";

/** Largest difference that is let through, over an output's largest number, or over 1 where that is more. */
export const tolerance = 1e-4;

/** Pictures `[B, 3, H, W]` with values from 0 to 255. */
export interface Pictures {
  readonly shape: readonly [batch: number, channels: 3, height: number, width: number];
  readonly pixels: Uint8Array;
}

/** An output, row by row. */
export interface Output {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export const outputOf = (tensor: Tensor): Output => ({
  shape: tensor.shape,
  values: tensor.toFloat32Array(),
});

/** Pictures of noise. */
export function randomPictures(batch: number, height: number, width: number): Pictures {
  const random = new KeyedRandom(0, purpose.exportCheck, batch, height, width);
  const pixels = Uint8Array.from({ length: batch * 3 * height * width }, () => random.integer(256));
  return { shape: [batch, 3, height, width], pixels };
}

/** What was compared. */
export interface Checked {
  /** Shapes of the pictures of each run. */
  readonly pictures: readonly (readonly number[])[];
  /** Largest difference of any output, over that output's largest number, or over 1 where that is more. */
  readonly difference: number;
}

/** The outputs of a file, by their names. */
export type Found = InferenceSession.OnnxValueMapType;

export interface CheckOptions {
  readonly file: Uint8Array;
  /** The name and the type of the input. */
  readonly input: string;
  readonly pixels: PixelType;
  readonly batches: readonly Pictures[];
  /** How far the file's outputs are from ours, relative as {@link tolerance} is. Throws where they are too far. */
  readonly compare: (pictures: Pictures, found: Found) => number;
}

/** Runs the file. Throws {@link SalmaskError} `export-differs` where an output is not what is expected. */
export async function checkOnnx(
  runtime: typeof import("onnxruntime-node"),
  { file, input, pixels, batches, compare }: CheckOptions,
): Promise<Checked> {
  const session = await runtime.InferenceSession.create(file).catch((cause: unknown) => {
    const why = messageOf(cause);
    throw differs(`Expected a graph that ONNX Runtime loads, but: ${why}`, cause);
  });
  try {
    let difference = 0;
    for (const batch of batches) {
      const data = pixels === "uint8" ? batch.pixels : Float32Array.from(batch.pixels);
      const found = await session.run({ [input]: new runtime.Tensor(pixels, data, batch.shape) });
      difference = Math.max(difference, compare(batch, found));
    }
    return { pictures: batches.map(({ shape }) => shape), difference };
  } finally {
    await session.release();
  }
}

/** How far outputs are from expected ones, relative as {@link tolerance} is. Throws {@link SalmaskError} `export-differs`. */
export function largestDifference(
  pictures: Pictures,
  expected: Readonly<Record<string, Output>>,
  found: Found,
): number {
  const each = Object.entries(expected).map(([name, output]) => differenceOf(name, pictures, output, found));
  return Math.max(...each);
}

function differenceOf(name: string, { shape }: Pictures, expected: Output, found: Found): number {
  const { dims, data }: OnnxTensor = found[name];
  const of = `${name} of pictures [${shape.join(", ")}]`;
  if (dims.join() !== expected.shape.join())
    throw differs(`Expected [${expected.shape.join(", ")}] as ${of}, got [${dims.join(", ")}].`);
  let [largest, apart] = [1, 0];
  for (const [i, value] of expected.values.entries()) {
    largest = Math.max(largest, Math.abs(value));
    const distance = Math.abs(Number(data[i]) - value);
    apart = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(apart, distance);
  }
  const difference = apart / largest;
  if (difference <= tolerance) return difference;
  throw differs(
    `Expected ${of} within ${tolerance} of Salmask's, relative to the largest number, got a difference of ${difference.toPrecision(3)}.`,
  );
}

export const differs = (message: string, cause?: unknown) =>
  new SalmaskError("export-differs", `${message} No file was written.`, { cause });
