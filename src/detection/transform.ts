// Linear maps learned from a bank of normal embeddings: they decide which differences between embeddings count.
import { Matrix as DenseMatrix, EigenvalueDecomposition } from 'ml-matrix';
import { fromRows, type Matrix, row } from './matrix.ts';

/**
 * - `none`: embeddings as they are.
 * - `centre`: minus the mean of the bank; cosine then compares deviations from the usual, not what all have in common.
 * - `standardise`: also divided by the spread of every dimension.
 * - `whiten`: centred, and divided by the spread along every principal direction (Mahalanobis distance with shrinkage).
 */
export type TransformKind = 'none' | 'centre' | 'standardise' | 'whiten';

export type Transform = {
  kind: TransformKind;
  mean?: Float32Array;
  /** Factor of every dimension (standardise). */
  scale?: Float32Array;
  /** Principal directions [r, D] and the factor along each; every other direction has factor 1 (whiten). */
  directions?: Matrix;
  gains?: Float32Array;
};

/** Rows that the principal directions are computed from; more add nothing but time. */
const WHITENING_ROWS = 256;
/** Directions that are kept, those of the largest variance; the others are left as they are. */
const WHITENING_DIRECTIONS = 64;
/** Share of the mean variance that is added to every direction, so that no direction counts without limit. */
const SHRINKAGE = 0.1;

function columnMeans(bank: Matrix): Float32Array {
  const sums = new Float64Array(bank.columns);
  for (let i = 0; i < bank.rows; i++) {
    const vector = row(bank, i);
    for (let d = 0; d < sums.length; d++) sums[d] += vector[d];
  }
  return Float32Array.from(sums, (sum) => sum / bank.rows);
}

/** 1 / spread, with the spread limited below by a tenth of the median spread: quiet dimensions must not shout. */
function inverseSpread(bank: Matrix, mean: Float32Array): Float32Array {
  const variances = new Float64Array(bank.columns);
  for (let i = 0; i < bank.rows; i++) {
    const vector = row(bank, i);
    for (let d = 0; d < variances.length; d++) variances[d] += (vector[d] - mean[d]) ** 2 / Math.max(1, bank.rows - 1);
  }
  const spreads = variances.map(Math.sqrt);
  const median = Float64Array.from(spreads).sort()[Math.floor(spreads.length / 2)];
  const floor = Math.max(0.1 * median, 1e-6);
  return Float32Array.from(spreads, (spread) => 1 / Math.max(spread, floor));
}

/** Evenly spaced rows, at most `limit`. */
function thin(bank: Matrix, limit: number): Matrix {
  if (bank.rows <= limit) return bank;
  return fromRows(Array.from({ length: limit }, (_, i) => row(bank, Math.floor((i * bank.rows) / limit))));
}

/**
 * Principal directions by way of the small Gram matrix [n, n] (n <= 256 rows), never the large covariance [D, D].
 * Gains are relative to a direction without any variance: sqrt(rho / (lambda + rho)).
 */
function whitening(bank: Matrix, mean: Float32Array): { directions: Matrix; gains: Float32Array } {
  const sample = thin(bank, WHITENING_ROWS);
  const centred = Array.from({ length: sample.rows }, (_, i) => row(sample, i).map((value, d) => value - mean[d]));
  const gram = DenseMatrix.zeros(sample.rows, sample.rows);
  for (let i = 0; i < sample.rows; i++) {
    for (let j = i; j < sample.rows; j++) {
      let sum = 0;
      for (let d = 0; d < bank.columns; d++) sum += centred[i][d] * centred[j][d];
      gram.set(i, j, sum / Math.max(1, sample.rows - 1));
      gram.set(j, i, gram.get(i, j));
    }
  }
  const decomposition = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const eigenvalues = decomposition.realEigenvalues;
  const total = eigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0);
  const kept = eigenvalues
    .flatMap((eigenvalue, i) => (eigenvalue > 1e-6 * total ? [{ eigenvalue, i }] : []))
    .sort((a, b) => b.eigenvalue - a.eigenvalue);
  const rho = Math.max((SHRINKAGE * total) / Math.max(1, kept.length), 1e-12);
  const directions: Float32Array[] = [];
  const gains: number[] = [];
  for (const { eigenvalue, i } of kept.slice(0, WHITENING_DIRECTIONS)) {
    const direction = new Float32Array(bank.columns);
    const norm = Math.sqrt(eigenvalue * Math.max(1, sample.rows - 1));
    for (let j = 0; j < sample.rows; j++) {
      const weight = decomposition.eigenvectorMatrix.get(j, i) / norm;
      for (let d = 0; d < direction.length; d++) direction[d] += weight * centred[j][d];
    }
    directions.push(direction);
    gains.push(Math.sqrt(rho / (eigenvalue + rho)));
  }
  return { directions: { ...fromRows(directions), columns: bank.columns }, gains: Float32Array.from(gains) };
}

/** Learns a transform from the rows of a bank [N, D]. */
export function learnTransform(kind: TransformKind, bank: Matrix): Transform {
  if (kind === 'none') return { kind };
  const mean = columnMeans(bank);
  if (kind === 'centre') return { kind, mean };
  if (kind === 'standardise') return { kind, mean, scale: inverseSpread(bank, mean) };
  return { kind, mean, ...whitening(bank, mean) };
}

/** Writes the transformed `vector` into `result` (not the same array). Plain loops: banks are large. */
function transformInto(transform: Transform, vector: Float32Array, result: Float32Array): void {
  const { mean, scale, directions, gains } = transform;
  const width = vector.length;
  for (let d = 0; d < width; d++) result[d] = (vector[d] - (mean ? mean[d] : 0)) * (scale ? scale[d] : 1);
  if (!directions || !gains) return;
  const parts = new Float64Array(gains.length);
  for (let i = 0; i < gains.length; i++) {
    const from = i * width;
    let sum = 0;
    for (let d = 0; d < width; d++) sum += directions.values[from + d] * result[d];
    parts[i] = (gains[i] - 1) * sum;
  }
  for (let i = 0; i < gains.length; i++) {
    const from = i * width;
    for (let d = 0; d < width; d++) result[d] += parts[i] * directions.values[from + d];
  }
}

/** The transformed vector, a new one. */
export function applyTransform(transform: Transform, vector: Float32Array): Float32Array {
  const result = new Float32Array(vector.length);
  transformInto(transform, vector, result);
  return result;
}

/** Every row transformed. */
export function transformRows(transform: Transform, bank: Matrix): Matrix {
  if (transform.kind === 'none') return bank;
  const result = { ...bank, values: new Float32Array(bank.values.length) };
  for (let i = 0; i < bank.rows; i++) transformInto(transform, row(bank, i), row(result, i));
  return result;
}
