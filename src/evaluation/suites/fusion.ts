// Several encoders heard as one.
import { type Matrix, row } from '../../detection/matrix.ts';

/** `concatenated`: one long embedding. `averaged`: every encoder measures for itself, and the distances are averaged. */
export type Fusion = 'concatenated' | 'averaged';

/** Root of the mean squared length of rows. */
function usualLength(matrix: Matrix): number {
  let sum = 0;
  for (const value of matrix.values) sum += value * value;
  return Math.sqrt(sum / Math.max(1, matrix.rows));
}

/**
 * Rows of several matrices side by side, each matrix scaled to the same usual length of a row, so that none outweighs
 * the others by its units. One matrix alone is left as it is.
 */
export function joinMatrices(parts: readonly Matrix[]): Matrix {
  if (parts.length === 1) return parts[0];
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const values = new Float32Array(parts[0].rows * columns);
  let at = 0;
  for (const part of parts) {
    const scale = 1 / (usualLength(part) || 1);
    for (let i = 0; i < part.rows; i++) {
      const from = row(part, i);
      for (let d = 0; d < part.columns; d++) values[i * columns + at + d] = from[d] * scale;
    }
    at += part.columns;
  }
  return { values, rows: parts[0].rows, columns };
}
