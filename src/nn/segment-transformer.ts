// Transformer pooling: attention over the segments of one recording, and their mean.
import { gelu, relu } from '../graph/activation.ts';
import { attention } from '../graph/attention.ts';
import { add, div, mul, sub } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape, transpose } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { split } from '../graph/slicing.ts';
import type { Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { ParameterScope } from './parameters.ts';
import { dense, norm } from './transformer.ts';

/** Factors of dropout, each 0 or 1 / (1 - rate), drawn by the caller; absent: none is dropped. */
export type DropoutFactors = {
  /** Of the attention weights [R, heads, S, S]. */
  weights?: Tensor;
  /** Of the attention's output [R, S, D]. */
  attended?: Tensor;
  /** Behind the activation [R, S, hidden]. */
  hidden?: Tensor;
  /** Of the feed-forward output [R, S, D]. */
  output?: Tensor;
};

export type EncoderLayerOptions = {
  /** Default 8. */
  heads?: number;
  /** Width of the feed-forward layer. Default 2048. */
  hidden?: number;
  /** Default `relu`. */
  activation?: 'relu' | 'gelu';
  /** Norm before attention and feed-forward, not behind their residuals. Default false. */
  normFirst?: boolean;
  /** Default 1e-5. */
  epsilon?: number;
  /** [R, S], 1 for a segment, 0 for padding, which no segment then looks at. At least one 1 per row. Default: all valid. */
  valid?: Tensor;
  dropout?: DropoutFactors;
};

/** Added to the attention logits of padding: exp of it is 0 in float32. */
const OUT_OF_QUESTION = -1e9;

/**
 * One encoder layer, x [R, S, D] -> [R, S, D], with PyTorch's names and defaults of `TransformerEncoderLayer`:
 * `name.self_attn.{in_proj_weight,in_proj_bias,out_proj.*}`, `name.{linear1,linear2,norm1,norm2}.*`.
 */
export function encoderLayer(
  scope: ParameterScope,
  name: string,
  x: Tensor,
  {
    heads = 8,
    hidden = 2048,
    activation = 'relu',
    normFirst = false,
    epsilon = 1e-5,
    valid,
    dropout = {},
  }: EncoderLayerOptions = {},
): Tensor {
  const width = staticDim(x, 2, 'encoderLayer');
  const kept = (value: Tensor, factors?: Tensor) => (factors ? mul(value, factors) : value);
  const [rows, segments] = x.shape;
  const bias = valid && mul(reshape(sub(1, valid), [rows, 1, 1, segments]), OUT_OF_QUESTION);
  const attend = (value: Tensor) => {
    const weight = scope(`${name}.self_attn.in_proj_weight`, [3 * width, width]);
    const [q, k, v] = split(linear(value, weight, scope(`${name}.self_attn.in_proj_bias`, [3 * width])), 3, 2);
    const mixed = attention(q, k, v, { heads, bias, factors: dropout.weights });
    return kept(dense(scope, `${name}.self_attn.out_proj`, mixed, width), dropout.attended);
  };
  const feed = (value: Tensor) => {
    const inner = dense(scope, `${name}.linear1`, value, hidden);
    const active = kept(activation === 'gelu' ? gelu(inner) : relu(inner), dropout.hidden);
    return kept(dense(scope, `${name}.linear2`, active, width), dropout.output);
  };
  const normal = (which: 'norm1' | 'norm2', value: Tensor) => norm(scope, `${name}.${which}`, value, epsilon);
  if (normFirst) {
    const attended = add(x, attend(normal('norm1', x)));
    return add(attended, feed(normal('norm2', attended)));
  }
  const attended = normal('norm1', add(x, attend(x)));
  return normal('norm2', add(attended, feed(attended)));
}

export type SegmentTransformerOptions = EncoderLayerOptions & {
  /**
   * `segments` (default): every segment sees the others of its recording. `batch`: what the public code of the DCASE 2023
   * entry does, which hands [R, S, D] to a layer that expects [S, R, D]: segment s of a recording sees segment s of all
   * recordings of the batch, and a recording that is scored alone sees itself only. Only for its checkpoints.
   */
  over?: 'segments' | 'batch';
};

/**
 * Mean over the valid segments of a recording after one encoder layer. x: [R, S, D] -> [R, D]
 * (specification anomalous-sound, "Transformer pooling"). A recording alone is R = 1.
 * @throws InputError for padding together with `over: 'batch'`, which knows none.
 */
export function segmentTransformer(
  scope: ParameterScope,
  name: string,
  x: Tensor,
  { over = 'segments', ...options }: SegmentTransformerOptions = {},
): Tensor {
  const { valid } = options;
  if (over === 'batch') {
    if (valid) {
      throw new InputError(
        `segmentTransformer: expected recordings of equally many segments over the batch, found a mask at ${name}; pool over segments`,
      );
    }
    const swapped = encoderLayer(scope, name, transpose(x, [1, 0, 2]), options);
    return reduceMean(transpose(swapped, [1, 0, 2]), [1]);
  }
  const seen = encoderLayer(scope, name, x, options);
  if (!valid) return reduceMean(seen, [1]);
  const share = reshape(valid, [...x.shape.slice(0, 2), 1]); // [R, S, 1]
  return div(reduceSum(mul(seen, share), [1]), reduceSum(share, [1]));
}
