// The autoencoder of the DCASE task 2 baselines as a graph.
import { relu } from '../../graph/activation.ts';
import { mul, sub } from '../../graph/elementwise.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { batchNormLayer, type NormMode } from '../../nn/batch-norm.ts';
import { createScope, type ParameterScope } from '../../nn/parameters.ts';
import { dense } from '../../nn/transformer.ts';
import type { Trainable } from '../step.ts';
import { MELS } from './windows.ts';

/** Frames of one input. */
export const FRAMES = 5;
/** Values of one input. */
export const INPUTS = FRAMES * MELS;
const HIDDEN = 128;
const CODE = 8;

/** Of batch normalisation. */
const EPSILON = 1e-3;
const MOMENTUM = 0.01;

/**
 * x [N, 640] -> its code [N, 8] and reconstruction [N, 640]: four layers of 128 on both sides, every layer but the last
 * with batch normalisation and ReLU. Parameters have the names of the official baseline's state dict (`encoder.0.weight`
 * …); 267,928 values without the running statistics. (spec dcase-task2, Baselines)
 */
export function autoencoder(
  scope: ParameterScope,
  x: Tensor,
  mode: NormMode,
): { code: Tensor; reconstruction: Tensor } {
  // Three places in the sequence per layer: linear, norm, ReLU.
  const layers = (name: string, from: Tensor, widths: readonly number[]): Tensor =>
    widths.reduce((y, width, i) => {
      const linear = dense(scope, `${name}.${3 * i}`, y, width);
      return relu(batchNormLayer(scope, `${name}.${3 * i + 1}`, linear, mode, EPSILON, MOMENTUM));
    }, from);
  const hidden = [HIDDEN, HIDDEN, HIDDEN, HIDDEN];
  const code = layers('encoder', x, [...hidden, CODE]);
  const decoded = layers('decoder', code, hidden);
  return { code, reconstruction: dense(scope, `decoder.${3 * hidden.length}`, decoded, INPUTS) };
}

/** The training graph: input `x` [batch, 640], loss the mean squared error over all values. */
export function autoencoderTraining(): Trainable {
  const buffers = new Map<string, Tensor>();
  const x = input('x', ['batch', INPUTS]);
  const { reconstruction } = autoencoder(createScope(), x, { training: true, buffers });
  const residual = sub(x, reconstruction);
  return { loss: reduceMean(mul(residual, residual)), watched: {}, buffers };
}

/** The scoring graph: input `x` [batch, 640], normalised by the running statistics. */
export function autoencoderScoring(): { code: Tensor; reconstruction: Tensor } {
  return autoencoder(createScope(), input('x', ['batch', INPUTS]), { training: false });
}
