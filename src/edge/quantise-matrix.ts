// A matrix in 8 bits: one scale for every column, zero is code 0 (ONNX QuantizeLinear, symmetric).
import { roundHalfEven } from '../nn/quantise.ts';

/** Largest code; -128 is left out, so that codes are symmetric. */
const LARGEST_CODE = 127;
/** A smaller scale would be no normal float32; runtimes take those for 0. */
const SMALLEST_SCALE = 2 ** -126;

export type QuantisedMatrix = {
  /** Codes -127 to 127, row-major [rows, columns]. */
  codes: Int8Array;
  /** Value of a code step of every column [columns]. */
  scales: Float32Array;
};

/**
 * Codes and scales of a matrix [rows, columns] whose columns are output channels: scale = largest magnitude / 127,
 * code = round(value / scale). A column of zeros (or of nothing that counts: below 1e-36) has scale 1.
 */
export function quantiseMatrix(values: Float32Array, rows: number, columns: number): QuantisedMatrix {
  const scales = new Float32Array(columns);
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    scales[column] = Math.max(scales[column], Math.abs(values[i]));
  }
  for (const [c, largest] of scales.entries()) {
    const scale = largest / LARGEST_CODE;
    scales[c] = scale >= SMALLEST_SCALE ? scale : 1;
  }
  const codes = new Int8Array(rows * columns);
  for (let i = 0; i < codes.length; i++) {
    const code = roundHalfEven(values[i] / scales[i % columns]);
    codes[i] = Math.max(-LARGEST_CODE, Math.min(LARGEST_CODE, code));
  }
  return { codes, scales };
}
