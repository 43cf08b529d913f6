// Selective Mahalanobis score of reconstruction residuals: the DCASE task 2 baselines of 2023 and later.
import { CholeskyDecomposition, Matrix as DenseMatrix } from 'ml-matrix';
import { InputError } from '../signal/errors.ts';

/**
 * Residuals (input minus reconstruction) of a batch of autoencoder inputs: per input its stacked frames one after the
 * other, [frames * mels]; and whether it comes from the target domain.
 */
export type ResidualBatch = { residuals: readonly ArrayLike<number>[]; isTarget: readonly boolean[] };

/** Covariance of the residual of a frame, [mels, mels], row-major, per domain. */
export type ResidualCovariances = { mels: number; source: Float64Array; target: Float64Array };

/** Inverse covariances, [mels, mels], row-major, per domain. */
export type SelectiveMahalanobis = { mels: number; sourcePrecision: Float64Array; targetPrecision: Float64Array };

/**
 * `official`: as the baseline's code computes it: the mean over all pairs of frames (i, j) of d_i' P d_j, which is
 * m' P m of the mean residual m. `conventional`: the mean over frames of d_i' P d_i, the squared distance as defined.
 */
export type MahalanobisMode = 'official' | 'conventional';

/** Sum of the products of centred frames, and the number of autoencoder inputs behind it. */
type Scatter = { sum: Float64Array; inputs: number };

/** Cuts autoencoder inputs into frames: [inputs * frames, mels]. */
function framesOf(caller: string, residuals: readonly ArrayLike<number>[], mels: number): Float64Array[] {
  return residuals.flatMap((residual, r) => {
    if (residual.length === 0 || residual.length % mels !== 0) {
      throw new InputError(
        `${caller}: expected residuals of whole frames of ${mels} values, got ${residual.length} in residual ${r}`,
      );
    }
    const values = Float64Array.from(residual);
    if (!values.every(Number.isFinite)) {
      throw new InputError(
        `${caller}: expected finite values, got others in residual ${r}; check input and autoencoder`,
      );
    }
    return Array.from({ length: values.length / mels }, (_, f) => values.subarray(f * mels, (f + 1) * mels));
  });
}

function meanFrame(frames: readonly Float64Array[], mels: number): Float64Array {
  const mean = new Float64Array(mels);
  for (const frame of frames) {
    for (let m = 0; m < mels; m++) mean[m] += frame[m] / frames.length;
  }
  return mean;
}

/** Adds the residuals of one domain of one batch, centred on their own mean. */
function addScatter(scatter: Scatter, residuals: readonly ArrayLike<number>[], mels: number): void {
  const frames = framesOf('residualCovariances', residuals, mels);
  const mean = meanFrame(frames, mels);
  const centred = new Float64Array(mels);
  for (const frame of frames) {
    for (let i = 0; i < mels; i++) centred[i] = frame[i] - mean[i];
    for (let i = 0; i < mels; i++) {
      for (let j = 0; j <= i; j++) scatter.sum[i * mels + j] += centred[i] * centred[j];
    }
  }
  scatter.inputs += residuals.length;
}

function covariance({ sum, inputs }: Scatter, mels: number): Float64Array {
  const result = new Float64Array(mels * mels);
  for (let i = 0; i < mels; i++) {
    for (let j = 0; j <= i; j++) {
      const value = sum[i * mels + j] / (inputs - 1);
      result[i * mels + j] = value;
      result[j * mels + i] = value;
    }
  }
  return result;
}

/**
 * Covariances of frame residuals over the training data, a batch at a time, in memory of one batch. As in the baseline,
 * frames are centred on the mean of their batch and domain, and the sum is divided by the number of autoencoder inputs
 * less one, not by the number of frames: a constant factor (about the frames per input) on every score. Without target
 * recordings the target covariance is that of the source; batches of a single input are left out.
 * @param mels mel bands per frame: 128 in the baseline, whose inputs are 5 frames.
 * @throws InputError if an input is not made of whole frames, a value is not finite, or a domain has one input only.
 */
export async function residualCovariances(
  batches: Iterable<ResidualBatch> | AsyncIterable<ResidualBatch>,
  mels: number,
): Promise<ResidualCovariances> {
  if (!(Number.isInteger(mels) && mels > 0)) {
    throw new InputError(`residualCovariances: expected a positive number of mel bands, got ${mels}`);
  }
  const source: Scatter = { sum: new Float64Array(mels * mels), inputs: 0 };
  const target: Scatter = { sum: new Float64Array(mels * mels), inputs: 0 };
  for await (const { residuals, isTarget } of batches) {
    if (isTarget.length !== residuals.length) {
      throw new InputError(
        `residualCovariances: expected one domain per residual, got ${isTarget.length} for ${residuals.length}`,
      );
    }
    if (residuals.length < 2) continue;
    for (const [scatter, wanted] of [
      [source, false],
      [target, true],
    ] as const) {
      const part = residuals.filter((_, i) => isTarget[i] === wanted);
      if (part.length > 0) addScatter(scatter, part, mels);
    }
  }
  if (source.inputs < 2 || target.inputs === 1) {
    throw new InputError(
      `residualCovariances: expected at least 2 residuals per domain, got ${source.inputs} source and ${target.inputs} target; give more recordings`,
    );
  }
  const sourceCovariance = covariance(source, mels);
  return {
    mels,
    source: sourceCovariance,
    target: target.inputs > 0 ? covariance(target, mels) : sourceCovariance.slice(),
  };
}

/** Share of the variance of a band that the bands before it must leave unexplained. */
const LEAST_INDEPENDENT = 1e-12;

function invert(values: Float64Array, mels: number, domain: string): Float64Array {
  const matrix = DenseMatrix.from1DArray(mels, mels, values);
  const factors = new CholeskyDecomposition(matrix);
  const lower = factors.lowerTriangularMatrix;
  const dependent = Array.from({ length: mels }, (_, i) => i).find(
    (i) => !(lower.get(i, i) ** 2 > LEAST_INDEPENDENT * matrix.get(i, i)),
  );
  if (dependent !== undefined) {
    throw new InputError(
      `createSelectiveMahalanobis: the ${domain} covariance has no inverse (band ${dependent} of ${mels} follows from those before it); give more recordings, or fewer mel bands`,
    );
  }
  return Float64Array.from(factors.solve(DenseMatrix.eye(mels)).to1DArray());
}

/**
 * Inverts both covariances, in float64 (the baseline: float32).
 * @throws InputError if one is not of size [mels, mels], not symmetric, or has no inverse.
 */
export function createSelectiveMahalanobis({ mels, source, target }: ResidualCovariances): SelectiveMahalanobis {
  for (const [domain, values] of Object.entries({ source, target })) {
    if (values.length !== mels * mels) {
      throw new InputError(
        `createSelectiveMahalanobis: expected ${mels * mels} values of the ${domain} covariance, got ${values.length}`,
      );
    }
    if (values.some((value, i) => value !== values[(i % mels) * mels + Math.floor(i / mels)])) {
      throw new InputError(`createSelectiveMahalanobis: expected a symmetric ${domain} covariance`);
    }
  }
  return {
    mels,
    sourcePrecision: invert(source, mels, 'source'),
    targetPrecision: invert(target, mels, 'target'),
  };
}

/** v' P v. */
function quadratic(vector: Float64Array, precision: Float64Array): number {
  const n = vector.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let product = 0;
    for (let j = 0; j < n; j++) product += precision[i * n + j] * vector[j];
    sum += vector[i] * product;
  }
  return sum;
}

/**
 * Anomaly score of one recording from its residuals: the lower of the scores in both domains, so that a recording is
 * normal if it is in either.
 * @param residuals of all autoencoder inputs of the recording, each [frames * mels].
 * @throws InputError if there are none, one is not made of whole frames, or a value is not finite.
 */
export function selectiveMahalanobisScore(
  { mels, sourcePrecision, targetPrecision }: SelectiveMahalanobis,
  residuals: readonly ArrayLike<number>[],
  mode: MahalanobisMode,
): { score: number; source: number; target: number } {
  if (residuals.length === 0) throw new InputError('selectiveMahalanobisScore: expected residuals, got none');
  const frames = framesOf('selectiveMahalanobisScore', residuals, mels);
  const vectors = mode === 'official' ? [meanFrame(frames, mels)] : frames;
  const scoreBy = (precision: Float64Array): number =>
    vectors.reduce((sum, vector) => sum + quadratic(vector, precision), 0) / vectors.length;
  const [source, target] = [scoreBy(sourcePrecision), scoreBy(targetPrecision)];
  return { score: Math.min(source, target), source, target };
}
