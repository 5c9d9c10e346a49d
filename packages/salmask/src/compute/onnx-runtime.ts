import { UsageError } from "../base/errors.js";

/** ONNX Runtime, which is an optional package; `purpose` says in the error what it is for. Throws {@link UsageError} `no-onnxruntime`. */
export async function onnxRuntime(purpose: string): Promise<typeof import("onnxruntime-node")> {
  return import("onnxruntime-node").catch((cause: unknown) => {
    throw new UsageError(
      "no-onnxruntime",
      `Expected the package onnxruntime-node for ${purpose}, but it is not there. Run: npm install onnxruntime-node`,
      cause,
    );
  });
}
