import { fromTypedArray, KeyedRandom, nn, type Tensor, tensor } from "@salmask/torch";
import type { PackedDataset } from "../../src/data/store/dataset.js";
import { Backbone } from "../../src/models/backbone.js";

/** A photo of one colour, red or blue, with a random amount of green. */
export interface FlatPhoto {
  readonly colour: "red" | "blue";
  /** -1 if it has none. */
  readonly label: number;
}

/** Side of the photos, in pixels. */
export const flatSide = 16;

/** `count` photos of one colour and one label. */
export function flat(colour: FlatPhoto["colour"], label: number, count: number): FlatPhoto[] {
  return new Array<FlatPhoto>(count).fill({ colour, label });
}

/** A data set in memory, without files. */
export function flatDataset(photos: readonly FlatPhoto[], classes: readonly string[]): PackedDataset {
  const plane = flatSide * flatSide;
  const pixels = photos.map(({ colour }, i) => {
    const random = new KeyedRandom(i, 3);
    const [strong, green, weak] = [200 + random.integer(40), random.integer(256), 20 + random.integer(40)];
    const rgb = colour === "red" ? [strong, green, weak] : [weak, green, strong];
    return Uint8Array.from({ length: 3 * plane }, (_, at) => rgb[Math.floor(at / plane)]);
  });
  return {
    length: photos.length,
    size: flatSide,
    classes,
    labels: Int32Array.from(photos, ({ label }) => label),
    names: photos.map((_, i) => `${i}.png`),
    originalSizes: new Int32Array(2 * photos.length).fill(flatSide),
    skipped: [],
    path: "flat",
    fingerprint: "",
    sourceStamp: "",
    images: (ids) =>
      fromTypedArray(Buffer.concat(Array.from(ids, (id) => pixels[id])), [ids.length, 3, flatSide, flatSide]),
    close() {},
  };
}

/** An encoder that only measures the strength of some colours. */
export class Eye extends Backbone {
  readonly spec = { arch: "resnet18", stem: "small", width: 8 } as const;
  readonly levels;
  readonly stages = [new nn.Identity()];
  readonly classifierName = "fc";

  /** @param colours 0 red, 1 green, 2 blue */
  constructor(private readonly colours: readonly number[]) {
    super();
    this.levels = [{ name: "mean", stride: 1, channels: colours.length }];
  }

  pyramid(input: Tensor): Tensor[] {
    return [this.features(input)];
  }

  features(input: Tensor): Tensor {
    return input.indexSelect(1, tensor(Int32Array.from(this.colours))); // [B, colours, H, W]
  }

  forward(input: Tensor): Tensor {
    return this.features(input).mean([2, 3]); // [B, colours]
  }
}
