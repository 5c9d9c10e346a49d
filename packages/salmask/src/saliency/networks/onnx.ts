import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import type { InferenceSession } from "onnxruntime-node";
import { messageOf, UsageError } from "../../base/errors.js";
import { onnxRuntime } from "../../compute/onnx-runtime.js";
import { resize } from "../../image/resize.js";
import type { LateSaliencySource, MapSize } from "../source.js";
import { refuseLoops } from "./onnx-file.js";

/** The largest side of a picture, in pixels, that a file may fix. */
const mostSide = 8192;

/**
 * A saliency network in an ONNX file, run by ONNX Runtime. It has one input `[B, 3, H, W]`, float32, normalised with
 * ImageNet's mean and standard deviation. The first output is the map, `[B, 1, h, w]` or `[B, h, w]`. If the file fixes
 * H and W, crops are resized to them; if it fixes B, crops are processed in parts of B.
 */
export class OnnxSource implements LateSaliencySource {
  readonly name = "onnx";

  private constructor(
    private readonly path: string,
    private readonly runtime: typeof import("onnxruntime-node"),
    private readonly session: InferenceSession,
    private readonly input: InputShape,
  ) {}

  /** Throws {@link UsageError} `no-onnxruntime`, or `unusable-onnx` if the file is not a network with these shapes. */
  static async open(path: string): Promise<OnnxSource> {
    const runtime = await onnxRuntime("saliency from an ONNX file");
    refuseLoops(path);
    const session = await runtime.InferenceSession.create(path).catch((cause: unknown) => {
      const why = messageOf(cause);
      throw new UsageError("unusable-onnx", `Expected an ONNX network at ${path}, but: ${why}`, cause);
    });
    try {
      return new OnnxSource(path, runtime, session, inputShape(session, path));
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  async mapsLater(crops: Tensor, { rows, cols }: MapSize): Promise<Tensor> {
    const [batch, , height, width] = crops.shape;
    const size: [number, number] = [this.input.height ?? height, this.input.width ?? width];
    const part = this.input.batch ?? batch;
    if (batch % part !== 0) {
      throw new UsageError(
        "onnx-batch",
        `Expected a network that takes any number of pictures, or one at a time, but ${this.path} takes ${part}. ` +
          "Export it with a free batch size.",
      );
    }
    const pixels = scope(() => resize(crops, size).contiguous().toFloat32Array());
    const length = pixels.length / (batch / part);
    const cells = new Float32Array(batch * rows * cols);
    for (let i = 0; i < batch / part; i++) {
      const own = pixels.subarray(i * length, (i + 1) * length);
      const fed = { [this.input.name]: new this.runtime.Tensor("float32", own, [part, 3, ...size]) };
      const outputs = await this.session.run(fed).catch((cause: unknown) => {
        const why = messageOf(cause);
        throw new UsageError(
          "unusable-onnx",
          `Expected a network that can be run on ${part} x 3 x ${size.join(" x ")} pixels at ${this.path}, but: ${why}`,
          cause,
        );
      });
      cells.set(
        pooled(outputs[this.session.outputNames[0]], part, { rows, cols }, this.path),
        i * part * rows * cols,
      );
    }
    return fromTypedArray(cells, [batch, rows, cols], { device: crops.device }); // [B, rows, cols]
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

/** The network's only input; null for dimensions that the file does not fix. */
interface InputShape {
  name: string;
  batch: number | null;
  height: number | null;
  width: number | null;
}

function inputShape(session: InferenceSession, path: string): InputShape {
  const [first, ...others] = session.inputMetadata;
  const isPictures = first?.isTensor === true && first.type === "float32" && first.shape.length === 4;
  if (!isPictures || others.length > 0 || (typeof first.shape[1] === "number" && first.shape[1] !== 3)) {
    const inputs = session.inputMetadata.map((one) =>
      one.isTensor ? `${one.name}: ${one.type} [${one.shape.join(", ")}]` : one.name,
    );
    throw new UsageError(
      "unusable-onnx",
      `Expected a network with one input, float32 [B, 3, H, W], got ${path}, which has ${inputs.join("; ") || "none"}.`,
    );
  }
  if (session.outputNames.length === 0) {
    throw new UsageError("unusable-onnx", `Expected a network with an output, got ${path}, which has none.`);
  }
  const fixed = (at: number) => {
    const side = first.shape[at];
    if (typeof side !== "number" || side <= 0) return null;
    if (side <= mostSide) return side;
    throw new UsageError(
      "unusable-onnx",
      `Expected a network for at most ${mostSide} pixels a side, got ${path}, which takes [${first.shape.join(", ")}].`,
    );
  };
  return { name: first.name, batch: fixed(0), height: fixed(2), width: fixed(3) };
}

/** The first output, averaged over the cells: `[part * rows * cols]`. */
function pooled(
  output: Partial<InferenceSession.OnnxValueMapType[string]>,
  part: number,
  { rows, cols }: MapSize,
  path: string,
): Float32Array {
  // A sequence or a map has neither.
  const { dims = [], data } = output;
  const plane = dims.slice(-2);
  if (!(data instanceof Float32Array) || dims.length < 3 || data.length !== part * plane[0] * plane[1]) {
    throw new UsageError(
      "unusable-onnx",
      `Expected the first output to be one map a picture, float32 [${part}, 1, h, w], but ${path} gives [${dims.join(", ")}].`,
    );
  }
  return scope(() =>
    noGrad(() => {
      const maps = fromTypedArray(data, [part, 1, plane[0], plane[1]]); // [part, 1, h, w]
      return maps.adaptiveAvgPool2d([rows, cols]).toFloat32Array();
    }),
  );
}
