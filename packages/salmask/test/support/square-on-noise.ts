import { fromTypedArray, KeyedRandom, type Tensor } from "@salmask/torch";

/** A photo `[1, 3, 64, 64]` of noise with a brighter square, and whether a pixel (row by row) is in the square. */
export function squareOnNoise(): { photo: Tensor; isObject: (pixel: number) => boolean } {
  const random = new KeyedRandom(1, 9);
  const isObject = (pixel: number) => {
    const [y, x] = [Math.floor(pixel / 64), pixel % 64];
    return y >= 16 && y < 40 && x >= 24 && x < 48;
  };
  const pixels = Float32Array.from(
    { length: 3 * 4096 },
    (_, i) => 0.3 * random.uniform() + (isObject(i % 4096) ? 1 : 0),
  );
  return { photo: fromTypedArray(pixels, [1, 3, 64, 64]), isObject };
}
