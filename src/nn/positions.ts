// Fixed sine-cosine position tables.

/** omega_i = 10000^(-i / count), i = 0 … count-1. */
const frequencies = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => 10000 ** (-i / count));

/**
 * Positions 0 … count-1 as [count, width], row-major: all sines, then all cosines (He et al. 2022, MAE).
 * width must be even.
 */
export function sineCosinePositions(count: number, width: number): Float32Array {
  const half = width / 2;
  const omega = frequencies(half);
  const table = new Float32Array(count * width);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < half; i++) {
      table[p * width + i] = Math.sin(p * omega[i]);
      table[p * width + half + i] = Math.cos(p * omega[i]);
    }
  }
  return table;
}

/**
 * One position as a vector of alternating sines (even) and cosines (odd): element 2i is sin(scale p omega_i)
 * with omega_i = 10000^(-2i/width) (ECHO, relative frequency position with gamma = scale).
 */
export function interleavedPosition(position: number, width: number, scale: number): Float32Array {
  const vector = new Float32Array(width);
  const step = Math.fround(-Math.log(10000) / width);
  for (let i = 0; i < width; i += 2) {
    const angle = scale * position * Math.exp(i * step);
    vector[i] = Math.sin(angle);
    if (i + 1 < width) vector[i + 1] = Math.cos(angle);
  }
  return vector;
}

/**
 * The table that FISHER freezes into its checkpoints, for [rows x columns] patches: row r encodes r mod columns in
 * the first half of the width and floor(r / columns) in the second, each as sines, then cosines.
 */
export function gridPositions(rows: number, columns: number, width: number): Float32Array {
  const half = width / 2;
  const across = sineCosinePositions(columns, half);
  const down = sineCosinePositions(rows, half);
  const table = new Float32Array(rows * columns * width);
  for (let r = 0; r < rows * columns; r++) {
    const [w, h] = [r % columns, Math.floor(r / columns)];
    table.set(across.subarray(w * half, (w + 1) * half), r * width);
    table.set(down.subarray(h * half, (h + 1) * half), r * width + half);
  }
  return table;
}
