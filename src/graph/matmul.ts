// Matrix products.
import { add, mul } from './elementwise.ts';
import { reshape, sumOverRows, sumTo, swapLastAxes, transpose } from './reshape.ts';
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

/** a^T b over the last two axes. */
const transposedProduct = (a: Tensor, b: Tensor): Tensor =>
  a.shape.length > 2 || b.shape.length > 2 ? matmul(swapLastAxes(a), b) : gemm(a, b, { transA: true });

export type GemmOptions = {
  /** Whether a factor is read as its transpose. */
  transA?: boolean;
  transB?: boolean;
  /** Factor on the product; 1 by default. */
  alpha?: number;
  /** What is added, of a shape that broadcasts to the product's, and the factor on it; 1 by default. */
  c?: Tensor;
  beta?: number;
};

/**
 * alpha a b + beta c of matrices, in one node. Gradients by weights are such nodes from the start: transposes that ONNX
 * Runtime fuses into products itself it moves to the end of a program, which then keeps all that they are made of until there.
 */
export function gemm(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const { transA = false, transB = false, alpha = 1, c, beta = 1 } = options;
  const [rows, innerA] = transA ? [a.shape[1], a.shape[0]] : a.shape;
  const [innerB, columns] = transB ? [b.shape[1], b.shape[0]] : b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || innerA !== innerB) {
    throw new TypeError(`gemm: ${formatShape(a.shape)} and ${formatShape(b.shape)} do not multiply`);
  }
  const flag = (on: boolean): number => (on ? 1 : 0);
  const attributes = {
    ...{ transA: flag(transA), transB: flag(transB) },
    ...(alpha !== 1 && { alpha: { float: alpha } }),
    ...(c && beta !== 1 && { beta: { float: beta } }),
  };
  const inputs = c ? [a, b, c] : [a, b];
  return apply('Gemm', inputs, { shape: [rows, columns], dtype: a.dtype }, attributes, (g) => [
    transA ? gemm(b, g, { transA: transB, transB: true, alpha }) : gemm(g, b, { transB: !transB, alpha }),
    transB ? gemm(g, a, { transA: true, transB: transA, alpha }) : gemm(a, g, { transA: !transA, alpha }),
    c && (beta === 1 ? sumTo(g, c) : mul(sumTo(g, c), beta)),
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

/**
 * alpha x W^T + b as `linear`, for layers that are trained: the factor comes for nothing, and the gradient by the bias is
 * quicker. At most one of the leading sizes of `x` may be symbolic.
 */
export function trainedLinear(x: Tensor, weight: Tensor, bias: Tensor, alpha = 1): Tensor {
  // The bias is not left to the product: it would be spread over the whole result first, on one thread.
  const product = gemm(flat(x), weight, { transB: true, alpha });
  const output = { shape: product.shape, dtype: product.dtype };
  const sum = apply('Add', [product, bias], output, {}, (g) => [g, sumOverRows(g)]);
  return reshape(sum, [...x.shape.slice(0, -1), staticDim(weight, 0, 'trainedLinear')]);
}
