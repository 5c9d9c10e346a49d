import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { fromTypedArray, zeros } from "@salmask/torch";
import {
  AttributeProto_AttributeType,
  type GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runPython } from "../../../../torch/test/support/run-python.js";
import { OnnxSource } from "../../../src/saliency/networks/onnx.js";
import { temporaryFolder } from "../../support/photos.js";

const golden = z.object({ input: z.array(z.number()), map: z.array(z.number()) });

async function networks(): Promise<{ folder: string } & z.infer<typeof golden>> {
  const folder = await temporaryFolder();
  const script = fileURLToPath(new URL("onnx_golden.py", import.meta.url));
  const printed = runPython({ script, args: [folder] });
  return { folder, ...golden.parse(JSON.parse(printed)) };
}

type Graph = MessageInitShape<typeof GraphProtoSchema>;

const { FLOAT, INT64, BOOL } = TensorProto_DataType;

/** A value's name and type: dimensions that are texts are free. */
function valueInfo(
  name: string,
  shape: readonly (number | string)[],
  elemType: TensorProto_DataType = FLOAT,
) {
  const dim = shape.map((side) => ({
    value:
      typeof side === "string"
        ? { case: "dimParam" as const, value: side }
        : { case: "dimValue" as const, value: BigInt(side) },
  }));
  return { name, type: { value: { case: "tensorType" as const, value: { elemType, shape: { dim } } } } };
}

const pictures = valueInfo("x", ["B", 3, "H", "W"]);
const map = valueInfo("y", ["B", "C", "H", "W"]);
const single = (opType: string, more: object = {}) => ({ opType, input: ["x"], output: ["y"], ...more });

function bytesOf(graph: Graph): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      graph: { name: "g", ...graph },
    }),
  );
}

/** Counts up for ever: its condition stays true and it has no number of turns. */
const endless: Graph = {
  input: [pictures],
  output: [map],
  initializer: [{ name: "go", dataType: BOOL, dims: [], int32Data: [1] }],
  node: [
    {
      opType: "Loop",
      input: ["", "go", "x"],
      output: ["y"],
      attribute: [
        {
          name: "body",
          type: AttributeProto_AttributeType.GRAPH,
          g: {
            name: "body",
            input: [valueInfo("i", [], INT64), valueInfo("on", [], BOOL), valueInfo("v", ["B", 3, "H", "W"])],
            output: [valueInfo("still", [], BOOL), valueInfo("w", ["B", 3, "H", "W"])],
            node: [
              { opType: "Identity", input: ["on"], output: ["still"] },
              { opType: "Identity", input: ["v"], output: ["w"] },
            ],
          },
        },
      ],
    },
  ],
};

describe("OnnxSource", () => {
  it("agrees with PyTorch, for a batch and for single pictures", async () => {
    const { folder, input, map } = await networks();
    const crops = fromTypedArray(Float32Array.from(input), [2, 3, 8, 12]);
    for (const file of ["free.onnx", "single.onnx"]) {
      const source = await OnnxSource.open(join(folder, file));
      const maps = await source.mapsLater(crops, { rows: 8, cols: 12 });
      expect(maps.shape).toEqual([2, 8, 12]);
      for (const [i, value] of maps.toArray().entries()) expect(value).toBeCloseTo(map[i], 5);
      maps.dispose();

      const cells = await source.mapsLater(crops, { rows: 2, cols: 3 });
      const mean = [0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => map[y * 12 + x]));
      expect(cells.toArray()[0]).toBeCloseTo(mean.reduce((sum, value) => sum + value, 0) / 16, 5);
      cells.dispose();
      await source.dispose();
    }
    crops.dispose();
  });

  it("explains why a file is not such a network", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "text.onnx"), "not a network");
    for (const name of ["text.onnx", "missing.onnx"]) {
      await expect(OnnxSource.open(join(folder, name))).rejects.toMatchObject({
        code: "unusable-onnx",
        message: expect.stringContaining(name),
      });
    }
  });

  it("refuses a loop, which may never end, before it is run", async () => {
    const path = join(await temporaryFolder(), "endless.onnx");
    await writeFile(path, bytesOf(endless));
    await expect(OnnxSource.open(path)).rejects.toMatchObject({
      code: "unusable-onnx",
      message: expect.stringContaining("Loop"),
    });
  });

  it.each<[string, Graph]>([
    [
      "no input",
      {
        output: [valueInfo("y", [1])],
        node: [
          {
            opType: "Constant",
            output: ["y"],
            attribute: [{ name: "value_float", type: AttributeProto_AttributeType.FLOAT, f: 1 }],
          },
        ],
      },
    ],
    ["two inputs", { input: [pictures, valueInfo("z", [1])], output: [map], node: [single("Relu")] }],
    [
      "whole numbers as input",
      {
        input: [valueInfo("x", ["B", 3, "H", "W"], INT64)],
        output: [valueInfo("y", ["B", 3, "H", "W"], INT64)],
        node: [single("Identity")],
      },
    ],
    [
      "one channel as input",
      { input: [valueInfo("x", ["B", 1, "H", "W"])], output: [map], node: [single("Relu")] },
    ],
    [
      "a picture of a million pixels a side",
      { input: [valueInfo("x", ["B", 3, 1_000_000, 1_000_000])], output: [map], node: [single("Relu")] },
    ],
    [
      "an operator that does not exist",
      { input: [pictures], output: [map], node: [single("NoSuchOperator")] },
    ],
    ["no output", { input: [pictures], node: [single("Relu")] }],
    ["nothing at all", {}],
  ])("refuses a file with %s when it is opened", async (_, graph) => {
    const path = join(await temporaryFolder(), "odd.onnx");
    await writeFile(path, bytesOf(graph));
    await expect(OnnxSource.open(path)).rejects.toMatchObject({ code: "unusable-onnx" });
  });

  it.each<[string, Graph]>([
    ["three channels as map", { input: [pictures], output: [map], node: [single("Relu")] }],
    [
      "one number as map",
      {
        input: [pictures],
        output: [valueInfo("y", [])],
        node: [
          single("ReduceMean", {
            attribute: [{ name: "keepdims", type: AttributeProto_AttributeType.INT, i: 0n }],
          }),
        ],
      },
    ],
    [
      "a list as map",
      {
        input: [pictures],
        output: [
          {
            name: "y",
            type: {
              value: { case: "sequenceType", value: { elemType: valueInfo("e", ["B", 3, "H", "W"]).type } },
            },
          },
        ],
        node: [single("SequenceConstruct")],
      },
    ],
    [
      "whole numbers as map",
      {
        input: [pictures],
        output: [valueInfo("y", ["a", "b", "c", "d"], INT64)],
        node: [
          single("Cast", {
            attribute: [{ name: "to", type: AttributeProto_AttributeType.INT, i: BigInt(INT64) }],
          }),
        ],
      },
    ],
    [
      "a shape that fits no picture",
      {
        input: [pictures],
        output: [valueInfo("y", ["a", "b", "c"])],
        initializer: [{ name: "s", dataType: INT64, dims: [3n], int64Data: [7n, 11n, 13n] }],
        node: [{ opType: "Reshape", input: ["x", "s"], output: ["y"] }],
      },
    ],
  ])("refuses a file with %s when it is run", async (_, graph) => {
    const path = join(await temporaryFolder(), "odd.onnx");
    await writeFile(path, bytesOf(graph));
    const source = await OnnxSource.open(path);
    const crops = zeros([2, 3, 8, 8]);
    await expect(source.mapsLater(crops, { rows: 2, cols: 2 })).rejects.toMatchObject({
      code: "unusable-onnx",
    });
    crops.dispose();
    await source.dispose();
  });
});
