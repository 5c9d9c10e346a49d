/** Builds ONNX graphs: operators by their names, and the constants that they take. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Tensor } from "@salmask/torch";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";

/** The version of ONNX's operators that all exports use; runtimes from 2022 on know it. */
export const opset = 17;
/** The version of the file format that came with it. */
const irVersion = 8;

/** The name of a tensor in a graph. */
export type Value = string;

/** A whole number, several, a text, or a number with a fraction. */
export type Attribute = number | readonly number[] | string | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

const elementTypes = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  uint8: TensorProto_DataType.UINT8,
  int64: TensorProto_DataType.INT64,
} as const;
export type ElementType = keyof typeof elementTypes;

/** ONNX's number of an element type, as the operator `Cast` takes it. */
export const elementTypeCode = (type: ElementType): number => elementTypes[type];

/** An input or an output. A side that is a text is free; equal texts are equal sides. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export class Graph {
  readonly #nodes: NodeProto[] = [];
  readonly #constants = new Map<string, TensorProto>();
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];

  /** Adds an operator with one output. An input that is left out in the middle is an empty text. */
  add(operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const [value] = this.addWithOutputs(operator, inputs, 1, attributes);
    return value;
  }

  /** Adds an operator with several outputs. */
  addWithOutputs(
    operator: string,
    inputs: readonly Value[],
    count: number,
    attributes: Attributes = {},
  ): Value[] {
    const name = `${operator}_${this.#nodes.length}`;
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}.${i}`));
    this.#addNode(operator, name, inputs, outputs, attributes);
    return outputs;
  }

  #addNode(
    opType: string,
    name: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Attributes,
  ): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.#nodes.push(
      create(NodeProtoSchema, { opType, name, input: [...inputs], output: [...outputs], attribute }),
    );
  }

  /** A float32 tensor of a network under its name there. Adding the same name again adds nothing. */
  weight(name: string, tensor: Tensor): Value {
    return this.#constant(name, "float32", tensor.shape, () => tensor.toFloat32Array());
  }

  /** float32 numbers as a constant; a single one without a shape is a scalar. */
  floats(values: readonly number[], shape: readonly number[] = []): Value {
    const name = `floats_${this.#constants.size}`;
    return this.#constant(name, "float32", shape, () => Float32Array.from(values));
  }

  /** int64 numbers as a constant, `[n]`. */
  ints(values: readonly number[]): Value {
    const name = `ints_${this.#constants.size}`;
    return this.#constant(name, "int64", [values.length], () => BigInt64Array.from(values, BigInt));
  }

  /** One int64 number as a constant, `[]`. */
  int(value: number): Value {
    return this.#constant(`ints_${this.#constants.size}`, "int64", [], () => BigInt64Array.of(BigInt(value)));
  }

  #constant(
    name: string,
    type: ElementType,
    shape: readonly number[],
    data: () => Float32Array | BigInt64Array,
  ): Value {
    if (this.#constants.has(name)) return name;
    const { buffer, byteOffset, byteLength } = data();
    const constant = create(TensorProtoSchema, {
      name,
      dataType: elementTypes[type],
      dims: shape.map(BigInt),
      rawData: new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength)),
    });
    this.#constants.set(name, constant);
    return name;
  }

  input(port: Port): Value {
    this.#inputs.push(portOf(port));
    return port.name;
  }

  /** Makes a value an output under the port's name. */
  output(port: Port, value: Value): void {
    this.#addNode("Identity", `output_${port.name}`, [value], [port.name], {});
    this.#outputs.push(portOf(port));
  }

  /** The file. Equal graphs give equal bytes. */
  toBytes(metadata: Readonly<Record<string, string>>): Uint8Array {
    const graph = create(GraphProtoSchema, {
      name: "salmask",
      node: this.#nodes,
      initializer: [...this.#constants.values()],
      input: this.#inputs,
      output: this.#outputs,
    });
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
      producerName: "salmask",
      graph,
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
    return toBinary(ModelProtoSchema, model);
  }
}

function attributeOf(name: string, value: Attribute): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map(BigInt) });
}

function portOf({ name, type, shape }: Port): ValueInfoProto {
  const dim = shape.map((side) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof side === "string"
          ? { case: "dimParam", value: side }
          : { case: "dimValue", value: BigInt(side) },
    }),
  );
  const value = create(TypeProto_TensorSchema, {
    elemType: elementTypes[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value } }),
  });
}
