/** Cube of the bound below which CIELAB's curve is a straight line, and that line's slope (CIE 15:2004). */
const delta = 6 / 29;

/** The CIE's white under daylight (D65), relative to its brightness. */
const white = [0.95047, 1, 1.08883];

/** XYZ of the red, green and blue of sRGB (IEC 61966-2-1). */
const primaries = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];

/** Light of each of the 256 values of an sRGB channel. */
const light = Float64Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

/**
 * The CIELAB colours of a picture, planes L (0 to 100), a and b. Equal distances look about equally large.
 *
 * @param colours `[3 * pixels]`: red, green and blue planes in [0, 1]; rounded to 1/255
 * @returns `[3 * pixels]`
 */
export function labOf(colours: Float32Array): Float32Array {
  const pixels = colours.length / 3;
  const lab = new Float32Array(colours.length);
  const [x, y, z] = primaries.map((row, i) => row.map((share) => share / white[i]));
  for (let p = 0; p < pixels; p++) {
    const red = lightOf(colours[p]);
    const green = lightOf(colours[pixels + p]);
    const blue = lightOf(colours[2 * pixels + p]);
    const fx = curve(x[0] * red + x[1] * green + x[2] * blue);
    const fy = curve(y[0] * red + y[1] * green + y[2] * blue);
    const fz = curve(z[0] * red + z[1] * green + z[2] * blue);
    lab[p] = 116 * fy - 16;
    lab[pixels + p] = 500 * (fx - fy);
    lab[2 * pixels + p] = 200 * (fy - fz);
  }
  return lab;
}

function lightOf(value: number): number {
  return light[Math.min(255, Math.max(0, Math.round(255 * value)))];
}

function curve(t: number): number {
  return t > delta ** 3 ? Math.cbrt(t) : t / (3 * delta ** 2) + 4 / 29;
}
