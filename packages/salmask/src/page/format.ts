/** Numbers for people. */

/** Three digits and more where there is room: `2.31`, `0.00124`, `12,400`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size !== 0 && size < 0.001) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** A share of 0 to 1 as `43.0 %`. */
export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
