// Matrix products.
import { add } from './elementwise.ts';
import { reshape, sumTo, swapLastAxes, transpose } from './reshape.ts';
import { broadcastShapes, formatShape, staticDim, staticSize } from './shapes.ts';
import { apply, type Tensor } from './tensor.ts';

/** Matrix product over the last two axes; leading axes broadcast. [..., M, K] x [..., K, N] -> [..., M, N]. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length < 2 || b.shape.length < 2 || a.shape.at(-1) !== b.shape.at(-2)) {
    throw new TypeError(`matmul: ${formatShape(a.shape)} and ${formatShape(b.shape)} do not multiply`);
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matmul');
  const shape = [...batch, a.shape[a.shape.length - 2], b.shape[b.shape.length - 1]];
  return apply('MatMul', [a, b], { shape, dtype: a.dtype }, {}, (g) => {
    const shared = b.shape.length === 2 && a.shape.length > 2 && staticSize(b.shape) !== undefined;
    if (shared) return [matmul(g, transpose(b, [1, 0])), flatWeightGradient(a, g)];
    return [sumTo(matmul(g, swapLastAxes(b)), a), sumTo(matmul(swapLastAxes(a), g), b)];
  });
}

/** A shared right factor: all rows of the batch in one product instead of one per batch and a sum. */
function flatWeightGradient(a: Tensor, g: Tensor): Tensor {
  const flat = (x: Tensor) => reshape(x, ['rows', staticDim(x, -1, 'matmul')]); // [rows, K] and [rows, N]
  return matmul(transpose(flat(a), [1, 0]), flat(g));
}

/**
 * x W^T + b with the weight stored [out, in], as PyTorch's `Linear` does.
 * x: [..., in] -> [..., out].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const product = matmul(x, transpose(weight, [1, 0]));
  return bias ? add(product, bias) : product;
}
