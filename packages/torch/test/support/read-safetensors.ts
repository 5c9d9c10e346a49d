import { execFileSync } from "node:child_process";
import { findPython } from "./python.js";

// Written from the description of the format, with only Python's struct and json.
const reader = `
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8 : 8 + size])
metadata = header.pop("__metadata__", {})
tensors = {}
for name, entry in header.items():
    begin, end = (8 + size + offset for offset in entry["data_offsets"])
    letter, width = {"F32": ("f", 4), "F64": ("d", 8), "I64": ("q", 8)}[entry["dtype"]]
    values = struct.unpack("<%d%s" % ((end - begin) // width, letter), data[begin:end])
    tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "values": values}
print(json.dumps({"metadata": metadata, "headerSize": size, "tensors": tensors}))
`;

interface Contents {
  metadata: Record<string, string>;
  headerSize: number;
  tensors: Record<string, { dtype: string; shape: number[]; values: number[] }>;
}

/** Reads a safetensors file with a reader that shares no code with ours. */
export function readWithPython(path: string): Contents {
  return JSON.parse(execFileSync(findPython(), ["-c", reader, path], { encoding: "utf8" }));
}
