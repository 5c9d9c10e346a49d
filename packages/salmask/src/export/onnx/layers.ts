/** PyTorch's layers as ONNX operators, by the names of their weights in a state dict. */
import type { nn, Tensor } from "@salmask/torch";
import type { Graph, Value } from "./graph.js";

/** Of every batch norm, as in PyTorch. */
const batchNormEps = 1e-5;

export interface ConvGeometry {
  readonly stride?: number;
  readonly padding?: number;
}

export class Layers {
  constructor(
    readonly graph: Graph,
    private readonly state: nn.StateDict,
    private readonly prefix = "",
  ) {}

  /** The layers of a part of the network. */
  part(name: string): Layers {
    return new Layers(this.graph, this.state, `${this.prefix}${name}.`);
  }

  has(name: string): boolean {
    return `${this.prefix}${name}` in this.state;
  }

  tensor(name: string): Tensor {
    const tensor = this.state[`${this.prefix}${name}`];
    if (tensor === undefined) throw new RangeError(`Expected a weight ${this.prefix}${name}, got none.`);
    return tensor;
  }

  weight(name: string): Value {
    return this.graph.weight(`${this.prefix}${name}`, this.tensor(name));
  }

  /** How many parts `name.0`, `name.1`, ... there are. */
  count(name: string): number {
    const start = `${this.prefix}${name}.`;
    const names = Object.keys(this.state).filter((key) => key.startsWith(start));
    return new Set(names.map((key) => key.slice(start.length).split(".", 1)[0])).size;
  }

  /** A square convolution `[B, in, H, W]` to `[B, out, H', W']`, depth-wise where the weight is one plane of many channels. */
  conv(name: string, input: Value, { stride = 1, padding }: ConvGeometry = {}): Value {
    const [out, perGroup, side] = this.tensor(`${name}.weight`).shape;
    const around = padding ?? (side - 1) / 2;
    const bias = this.has(`${name}.bias`) ? [this.weight(`${name}.bias`)] : [];
    return this.graph.add("Conv", [input, this.weight(`${name}.weight`), ...bias], {
      kernel_shape: [side, side],
      strides: [stride, stride],
      pads: [around, around, around, around],
      group: perGroup === 1 ? out : 1,
    });
  }

  /** By the running statistics. */
  batchNorm(name: string, input: Value): Value {
    const weights = ["weight", "bias", "running_mean", "running_var"].map((key) =>
      this.weight(`${name}.${key}`),
    );
    return this.graph.add("BatchNormalization", [input, ...weights], { epsilon: { float: batchNormEps } });
  }

  /** `[..., features]` to the same shape. */
  layerNorm(name: string, input: Value, eps: number): Value {
    const weights = [this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    return this.graph.add("LayerNormalization", [input, ...weights], { axis: -1, epsilon: { float: eps } });
  }

  /** `[..., in]` to `[..., out]`. The names of weight and bias, where they are not the layer's own, stand for its. */
  linear(name: string, input: Value, names = { weight: `${name}.weight`, bias: `${name}.bias` }): Value {
    const { graph } = this;
    using transposed = this.tensor(names.weight).t(); // [in, out]
    const product = graph.add("MatMul", [
      input,
      graph.weight(`${this.prefix}${names.weight}.transposed`, transposed),
    ]);
    return graph.add("Add", [product, this.weight(names.bias)]);
  }

  relu(input: Value): Value {
    return this.graph.add("Relu", [input]);
  }

  /** By the error function, as PyTorch's default. */
  gelu(input: Value): Value {
    const { graph } = this;
    const scaled = graph.add("Div", [input, graph.floats([Math.SQRT2])]);
    const shares = graph.add("Add", [graph.add("Erf", [scaled]), graph.floats([1])]);
    return graph.add("Mul", [graph.add("Mul", [input, shares]), graph.floats([0.5])]);
  }

  /** The mean over the places of maps `[B, C, H, W]`: `[B, C]`. */
  meanOfPlaces(input: Value): Value {
    return this.graph.add("ReduceMean", [input], { axes: [2, 3], keepdims: 0 });
  }
}
