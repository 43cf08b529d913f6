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
    const toLeft = matmul(g, swapLastAxes(b));
    return shared ? [toLeft, toRight(flat(a), flat(g), b)] : [sumTo(toLeft, a), sumTo(toRight(a, g, b), b)];
  });
}

/** All rows of a batch under one another: one product instead of one per batch and a sum. */
const flat = (x: Tensor): Tensor => reshape(x, ['rows', staticDim(x, -1, 'matmul')]);

/** Gradient of a b by `b`, a^T g: as the transpose of g^T a where `b` is a transpose, which then is none any more. */
const toRight = (a: Tensor, g: Tensor, b: Tensor): Tensor =>
  b.node.op === 'Transpose' ? swapLastAxes(transposedProduct(g, a)) : transposedProduct(a, g);

/**
 * a^T b over the last two axes. Of two matrices by the operator that reads its left factor in this way: what ONNX Runtime
 * fuses itself it moves to the end of a program, and gradients by weights would keep all that they are made of until then.
 */
function transposedProduct(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length > 2 || b.shape.length > 2) return matmul(swapLastAxes(a), b);
  const shape = [a.shape[1], b.shape[1]];
  return apply('Gemm', [a, b], { shape, dtype: a.dtype }, { transA: 1 }, (g) => [
    matmul(b, transpose(g, [1, 0])),
    matmul(a, g),
  ]);
}

/**
 * x W^T + b with the weight stored [out, in], as PyTorch's `Linear` does.
 * x: [..., in] -> [..., out].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const product = matmul(x, transpose(weight, [1, 0]));
  return bias ? add(product, bias) : product;
}
