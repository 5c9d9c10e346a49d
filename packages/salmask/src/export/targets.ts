/** What a run can be exported to. */
export const exportTargets = ["safetensors", "torchvision", "onnx"] as const;
export type ExportTarget = (typeof exportTargets)[number];

/** The types of pixels that a graph can take; both with values from 0 to 255. */
export const pixelTypes = ["float32", "uint8"] as const;
export type PixelType = (typeof pixelTypes)[number];
