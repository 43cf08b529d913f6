// Rows of numbers: a bank of embeddings, or a batch of queries.

/** Embeddings are float32; reference figures may be float64. */
export type Floats = Float32Array | Float64Array;

/** Row-major matrix. */
export type Matrix<F extends Floats = Float32Array> = { values: F; rows: number; columns: number };

export const row = <F extends Floats>(matrix: Matrix<F>, i: number): F =>
  matrix.values.subarray(i * matrix.columns, (i + 1) * matrix.columns) as F;

/** Stacks vectors of equal length. @throws TypeError if the lengths differ. */
export function fromRows<F extends Floats = Float32Array>(rows: readonly F[]): Matrix<F> {
  const columns = rows[0]?.length ?? 0;
  const size = rows.length * columns;
  const values = (rows[0] instanceof Float64Array ? new Float64Array(size) : new Float32Array(size)) as F;
  for (const [i, vector] of rows.entries()) {
    if (vector.length !== columns)
      throw new TypeError(`fromRows: row ${i} has ${vector.length} values, row 0 has ${columns}`);
    values.set(vector, i * columns);
  }
  return { values, rows: rows.length, columns };
}

/** The rows at `indices`, copied. */
export const selectRows = <F extends Floats>(matrix: Matrix<F>, indices: readonly number[]): Matrix<F> =>
  fromRows(indices.map((i) => row(matrix, i)));
