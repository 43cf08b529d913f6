// Rows of numbers: a bank of embeddings, or a batch of queries.

/** Row-major float32 matrix. */
export type Matrix = { values: Float32Array; rows: number; columns: number };

export const row = (matrix: Matrix, i: number): Float32Array =>
  matrix.values.subarray(i * matrix.columns, (i + 1) * matrix.columns);

/** Stacks vectors of equal length. @throws TypeError if the lengths differ. */
export function fromRows(rows: readonly Float32Array[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * columns);
  for (const [i, vector] of rows.entries()) {
    if (vector.length !== columns)
      throw new TypeError(`fromRows: row ${i} has ${vector.length} values, row 0 has ${columns}`);
    values.set(vector, i * columns);
  }
  return { values, rows: rows.length, columns };
}

/** The rows at `indices`, copied. */
export const selectRows = (matrix: Matrix, indices: readonly number[]): Matrix =>
  fromRows(indices.map((i) => row(matrix, i)));
