/** `count` numbers, evenly spread over 0 to n - 1; all of them if there are fewer. */
export function spread(n: number, count: number): Int32Array {
  const some = Math.min(n, count);
  return Int32Array.from({ length: some }, (_, i) => Math.floor((i * n) / some));
}
