// Scaled dot-product attention over several heads.
import { softmax } from './activation.ts';
import { add, mul } from './elementwise.ts';
import { vectorJacobian } from './gradients.ts';
import { matmul } from './matmul.ts';
import { reshape, swapLastAxes, transpose } from './reshape.ts';
import { formatShape, sameShape, staticDim } from './shapes.ts';
import { split } from './slicing.ts';
import { addNode, type Tensor } from './tensor.ts';

export type AttentionOptions = {
  heads: number;
  /** Added to the logits: [heads or 1, L, S] with or without a batch axis in front (masks, relative positions). */
  bias?: Tensor;
  /** Multiplied into the weights behind the softmax, [B or 1, heads or 1, L, S]: dropout. */
  factors?: Tensor;
  /** One fused node of ONNX Runtime (default where there are neither bias nor factors); its gradient is that of the plain operators. */
  fused?: boolean;
};

/** Every head's part of the features: [B, L, H d] -> [B, H, L, d]. */
export function toHeads(x: Tensor, heads: number): Tensor {
  const width = staticDim(x, 2, 'attention');
  return transpose(reshape(x, [x.shape[0], x.shape[1], heads, width / heads]), [0, 2, 1, 3]);
}

/** softmax(q k^T / sqrt(d) + bias) v for every head (Vaswani et al. 2017, eq. 1), from plain operators. */
function plainAttention(q: Tensor, k: Tensor, v: Tensor, { heads, bias, factors }: AttentionOptions): Tensor {
  const width = staticDim(q, 2, 'attention') / heads;
  const keys = transpose(reshape(k, [k.shape[0], k.shape[1], heads, width]), [0, 2, 3, 1]); // [B, H, d, S]
  const scaled = mul(toHeads(q, heads), 1 / Math.sqrt(width));
  const logits = matmul(scaled, keys); // [B, H, L, S]
  const weights = softmax(bias ? add(logits, bias) : logits, -1);
  const kept = factors ? mul(weights, factors) : weights;
  const mixed = transpose(matmul(kept, toHeads(v, heads)), [0, 2, 1, 3]); // [B, L, H, d]
  return reshape(mixed, q.shape);
}

/**
 * Self-attention of queries, keys and values side by side, [B, L, 3 D] -> [B, L, D], from plain operators: as
 * `attention` of the three parts, but they are cut and brought to their heads in one movement, and so are their gradients.
 * Of 512 sequences of 4 tokens, 3 heads of 64, forward and backward together take 0.75 of the time.
 */
export function packedAttention(qkv: Tensor, heads: number): Tensor {
  const width = staticDim(qkv, 2, 'packedAttention') / 3;
  const [count, length] = qkv.shape;
  if (width % heads !== 0) {
    throw new RangeError(`packedAttention: ${formatShape(qkv.shape)} does not divide into 3 parts of ${heads} heads`);
  }
  const own = width / heads;
  const apart = transpose(reshape(qkv, [count, length, 3, heads, own]), [2, 0, 3, 1, 4]); // [3, B, H, L, d]
  const [q, k, v] = split(apart, 3, 0).map((part) => reshape(part, [count, heads, length, own]));
  const logits = matmul(mul(q, 1 / Math.sqrt(own)), swapLastAxes(k)); // [B, H, L, L]
  const mixed = transpose(matmul(softmax(logits, -1), v), [0, 2, 1, 3]); // [B, L, H, d]
  return reshape(mixed, [count, length, width]);
}

/**
 * Multi-head attention of projected queries, keys and values, [B, L, D], [B, S, D], [B, S, D] -> [B, L, D].
 * D must divide by the number of heads.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const { heads, bias, factors } = options;
  const width = staticDim(q, 2, 'attention');
  if (width % heads !== 0) {
    throw new RangeError(`attention: width ${width} of ${formatShape(q.shape)} does not divide into ${heads} heads`);
  }
  const fits = sameShape(k.shape, v.shape) && k.shape[0] === q.shape[0] && k.shape[2] === width;
  if (q.shape.length !== 3 || !fits) {
    throw new TypeError(`attention: ${[q, k, v].map((x) => formatShape(x.shape)).join(', ')} do not fit`);
  }
  if (bias || factors || options.fused === false) return plainAttention(q, k, v, options);
  return addNode({
    op: 'MultiHeadAttention',
    domain: 'com.microsoft',
    inputs: [q, k, v],
    outputs: [{ shape: q.shape, dtype: q.dtype }],
    attributes: { num_heads: heads },
    vjp: ([g]) => {
      if (!g) return [];
      const plain = plainAttention(q, k, v, { heads });
      const inputs = [q, k, v];
      const distinct = [...new Set(inputs)];
      const found = vectorJacobian([plain], [g], distinct, true);
      // One tensor in several places has one gradient, the sum of all: it is handed back once.
      return inputs.map((tensor, i) => (inputs.indexOf(tensor) === i ? found[distinct.indexOf(tensor)] : undefined));
    },
  })[0];
}
