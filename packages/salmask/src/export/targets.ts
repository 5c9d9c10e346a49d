/** What a run can be exported to. */
export const exportTargets = ["safetensors", "torchvision", "onnx"] as const;
/** A form that encoders are exported in. */
export type ExportTarget = (typeof exportTargets)[number];

/** The types of pixels that a graph can take; both with values from 0 to 255. */
export const pixelTypes = ["float32", "uint8"] as const;
/** The type of the pixels that an exported graph takes. */
export type PixelType = (typeof pixelTypes)[number];
