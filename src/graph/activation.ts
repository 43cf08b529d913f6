// Non-linearities.
import { withGradient } from './custom-gradient.ts';
import { abs, add, cast, erf, exp, greater, less, mul, sub, tanh, unary } from './elementwise.ts';
import { reduceSum } from './reshape.ts';
import { normalizeAxis } from './shapes.ts';
import { apply, scalarLike, type Tensor } from './tensor.ts';

// The gradients of relu and relu6 look at their outputs alone, so that the runtime can fuse them into a convolution before.

export const relu = (x: Tensor): Tensor => unary('Relu', x, (g, _x, y) => mul(g, cast(greater(y, 0), g.dtype)));

/**
 * min(max(x, 0), 6) (MobileNetV2). The gradient is zero at 0 and 6, as in PyTorch, and within a rounding of 3 from them:
 * one comparison by the distance from the middle is quicker than two.
 */
export function relu6(x: Tensor): Tensor {
  const limits = [scalarLike(x, 0), scalarLike(x, 6)];
  const y: Tensor = apply('Clip', [x, ...limits], { shape: x.shape, dtype: x.dtype }, {}, (g) => [
    mul(g, cast(less(abs(sub(y, 3)), 3), g.dtype)),
  ]);
  return y;
}

export const sigmoid = (x: Tensor): Tensor => unary('Sigmoid', x, (g, _x, y) => mul(g, mul(y, sub(1, y))));

/** x sigmoid(x). */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

/** ln(1 + e^x). */
export const softplus = (x: Tensor): Tensor => unary('Softplus', x, (g, a) => mul(g, sigmoid(a)));

/** Exact GELU, x Φ(x) (Hendrycks & Gimpel 2016). */
export const gelu = (x: Tensor): Tensor =>
  unary('Gelu', x, (g, a) => {
    const cdf = mul(0.5, add(1, erf(mul(a, Math.SQRT1_2))));
    const density = mul(exp(mul(-0.5, mul(a, a))), 1 / Math.sqrt(2 * Math.PI));
    return mul(g, add(cdf, mul(a, density)));
  });

/**
 * s (1 + erf s), which is √2 GELU(√2 s): for training. With its factors left to the linear layers around it, value and
 * gradient take nine passes over the numbers instead of thirteen.
 */
export function scaledGelu(s: Tensor): Tensor {
  const doubled = add(1, erf(s));
  return withGradient(mul(s, doubled), [s], (g) => {
    const density = exp(sub(Math.log(2 / Math.sqrt(Math.PI)), mul(s, s)));
    return [mul(g, add(doubled, mul(s, density)))];
  });
}

/** The tanh approximation of GELU. */
export function geluTanh(x: Tensor): Tensor {
  const inner = mul(Math.sqrt(2 / Math.PI), add(x, mul(0.044715, mul(x, mul(x, x)))));
  return mul(mul(0.5, x), add(1, tanh(inner)));
}

/** Softmax over `axis`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.shape.length, 'softmax');
  return unary(
    'Softmax',
    x,
    (g, _x, y) => {
      const weighted = mul(g, y);
      return sub(weighted, mul(y, reduceSum(weighted, [at], true)));
    },
    { axis: at },
  );
}

/** log(softmax(x)) over `axis`, without overflow. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.shape.length, 'logSoftmax');
  return unary('LogSoftmax', x, (g, _x, y) => sub(g, mul(exp(y), reduceSum(g, [at], true))), { axis: at });
}

/** Leaky rectifier with slope `alpha` below zero. */
export const leakyRelu = (x: Tensor, alpha = 0.01): Tensor =>
  unary(
    'LeakyRelu',
    x,
    (g, a) => {
      const positive = cast(greater(a, 0), g.dtype);
      return mul(g, add(positive, mul(alpha, sub(1, positive))));
    },
    { alpha: { float: alpha } },
  );
