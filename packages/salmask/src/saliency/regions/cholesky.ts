/**
 * The lower triangle L of a symmetric matrix that is positive definite, with `L L^T` the matrix. In the place of the
 * matrix; what is above the diagonal is not changed and means nothing.
 *
 * @param matrix `[n * n]`, row by row
 */
export function choleskyInPlace(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = matrix[row + j];
      for (let k = 0; k < j; k++) sum -= matrix[row + k] * matrix[other + k];
      matrix[row + j] = i === j ? Math.sqrt(sum) : sum / matrix[other + j];
    }
  }
}

/** Solves `L L^T x = b` for the lower triangle from {@link choleskyInPlace}: `[n]` to `[n]`. */
export function choleskySolve(lower: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i * n + k] * x[k];
    x[i] /= lower[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    x[i] /= lower[i * n + i];
    for (let k = 0; k < i; k++) x[k] -= lower[i * n + k] * x[i];
  }
  return x;
}

/** The diagonal of the inverse of the matrix whose lower triangle is from {@link choleskyInPlace}. `[n]` */
export function diagonalOfInverse(lower: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  const column = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    // Column i of the inverse of L; the sum of its squares is the inverse's value.
    column[i] = 1 / lower[i * n + i];
    diagonal[i] = column[i] ** 2;
    for (let j = i + 1; j < n; j++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum -= lower[j * n + k] * column[k];
      column[j] = sum / lower[j * n + j];
      diagonal[i] += column[j] ** 2;
    }
  }
  return diagonal;
}
