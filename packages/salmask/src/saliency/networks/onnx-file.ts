/** Looks into an ONNX file before it is run: the runtime cannot be stopped once it has begun. */
import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { type GraphProto, ModelProtoSchema, type NodeProto } from "onnx-buf";
import { messageOf, UsageError } from "../../base/errors.js";

/** An operator that may go on for ever: it stops when the network says so. `Scan` ends with its input. */
const endless = "Loop";

const hasLoop = (nodes: readonly NodeProto[]): boolean =>
  nodes.some(
    ({ opType, attribute }) =>
      opType === endless || attribute.some(({ g, graphs }) => [g, ...graphs].some((graph) => isLoop(graph))),
  );

const isLoop = (graph: GraphProto | undefined): boolean => graph !== undefined && hasLoop(graph.node);

/** Throws {@link UsageError} `unusable-onnx` where a file is no ONNX network, or one with a loop in it. */
export function refuseLoops(path: string): void {
  let found: boolean;
  try {
    const { graph, functions } = fromBinary(ModelProtoSchema, readFileSync(path));
    if (graph === undefined) throw new Error("it holds no network");
    found = isLoop(graph) || functions.some(({ node }) => hasLoop(node));
  } catch (cause) {
    const why = messageOf(cause);
    throw new UsageError("unusable-onnx", `Expected an ONNX network at ${path}, but: ${why}`, cause);
  }
  if (!found) return;
  throw new UsageError(
    "unusable-onnx",
    `Expected a network without loops, which may never end, but ${path} has the operator ${endless}. Export it by tracing.`,
  );
}
