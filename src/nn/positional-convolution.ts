// Positions by a convolution over the tokens (wav2vec 2.0, section 2; BEATs has the same layer).
import { gelu } from '../graph/activation.ts';
import { conv } from '../graph/conv.ts';
import { div, mul, sqrt } from '../graph/elementwise.ts';
import { reduceSum, transpose } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { takeLike } from '../graph/slicing.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from './parameters.ts';

/**
 * GELU of a grouped convolution over the tokens, as long as the input: x [B, L, D] -> [B, L, D], to be added to x. With
 * an even kernel the last output is dropped. The weight is normalised (Salimans & Kingma 2016), its length taken for each
 * tap of the kernel: `name.weight_g` [1, 1, kernel], `name.weight_v` [D, D/groups, kernel], `name.bias` [D].
 */
export function positionalConvolution(
  scope: ParameterScope,
  name: string,
  x: Tensor,
  { kernel, groups }: { kernel: number; groups: number },
): Tensor {
  const width = staticDim(x, 2, 'positionalConvolution');
  const direction = scope(`${name}.weight_v`, [width, width / groups, kernel]);
  const length = sqrt(reduceSum(mul(direction, direction), [0, 1], true));
  const weight = mul(direction, div(scope(`${name}.weight_g`, [1, 1, kernel]), length));
  const channels = transpose(x, [0, 2, 1]);
  const longer = conv(channels, weight, scope(`${name}.bias`, [width]), {
    padding: kernel >> 1,
    groups,
    outputSizes: ['tokens convolved'],
  });
  return transpose(gelu(takeLike(longer, channels, 2)), [0, 2, 1]);
}
