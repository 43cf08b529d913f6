// Learnable weighted sum of the hidden states of an encoder's layers.
import { softmax } from '../graph/activation.ts';
import { add, mul } from '../graph/elementwise.ts';
import { matmul } from '../graph/matmul.ts';
import { reshape } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { concat, slice } from '../graph/slicing.ts';
import type { Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { ParameterScope } from './parameters.ts';

export type LayerMixOptions = {
  /** `softmax` (default): positive, sum 1. `raw`: the parameters as they are, which then must not start at zero. */
  weights?: 'softmax' | 'raw';
  /**
   * `layers` (default): sum over l of w[l] H_l, the paper's formula. `features`: what the public code of the DCASE 2023
   * entry computes. It joins the states on the feature axis and cuts that axis into D groups of L + 1 values, which
   * mixes neighbouring features of one layer: y[b, t, d] = sum over l of w[l] joined[b, t, d (L + 1) + l]. Only for its checkpoints.
   */
  over?: 'layers' | 'features';
};

/**
 * Hidden states, (L + 1) x [B, T, D], to one [B, T, D], by a parameter `name` [L + 1] (specification anomalous-sound,
 * "Weighted sum"; ELMo, Peters et al. 2018, equation 1 without the global factor). It starts at zero, all layers alike:
 * vectors do unless their name ends in `weight`.
 * @throws InputError without states.
 */
export function layerMix(
  scope: ParameterScope,
  name: string,
  states: readonly Tensor[],
  { weights = 'softmax', over = 'layers' }: LayerMixOptions = {},
): Tensor {
  const count = states.length;
  if (count === 0)
    throw new InputError(`layerMix: expected hidden states for ${name}, found none; ask the encoder for its layers`);
  const own = scope(name, [count]);
  const shares = weights === 'softmax' ? softmax(own, 0) : own;
  if (over === 'layers') {
    return states.map((state, l) => mul(state, slice(shares, 0, l, l + 1))).reduce((sum, part) => add(sum, part));
  }
  const [batch, frames] = states[0].shape;
  const width = staticDim(states[0], 2, 'layerMix');
  const groups = reshape(concat(states, 2), [batch, frames, width, count]); // [B, T, D, L + 1]
  return reshape(matmul(groups, reshape(shares, [count, 1])), [batch, frames, width]);
}
