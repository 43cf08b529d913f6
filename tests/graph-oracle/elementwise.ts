// Element-wise ONNX operators of the graph oracle.
import { broadcast, broadcastAt, fill, floatAttribute, type Kernel, need } from './value.ts';

/** Gauss error function by its all-positive series (Abramowitz & Stegun 7.1.6); 1 to the last bit beyond 6. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

const unary =
  (f: (x: number) => number): Kernel =>
  (inputs) => {
    const x = need(inputs, 0);
    return [{ shape: x.shape, data: x.data.map(f) }];
  };

const binary =
  (f: (a: number, b: number, integer: boolean) => number): Kernel =>
  (inputs, _attributes, integer) => {
    const [a, b] = [need(inputs, 0), need(inputs, 1)];
    return [fill(broadcast(a.shape, b.shape), (index) => f(broadcastAt(a, index), broadcastAt(b, index), integer))];
  };

export const elementwise: Record<string, Kernel> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, integer) => (integer ? Math.trunc(a / b) : a / b)),
  Max: binary((a, b) => Math.max(a, b)),
  Min: binary((a, b) => Math.min(a, b)),
  Pow: binary((a, b) => a ** b),
  Equal: binary((a, b) => Number(a === b)),
  Less: binary((a, b) => Number(a < b)),
  Greater: binary((a, b) => Number(a > b)),
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Round: unary(roundHalfToEven),
  Floor: unary(Math.floor),
  Erf: unary(erf),
  Identity: unary((x) => x),
  Relu: unary((x) => Math.max(x, 0)),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Gelu: unary((x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  LeakyRelu: (inputs, attributes, integer) => {
    const alpha = floatAttribute(attributes, 'alpha', 0.01);
    return unary((x) => (x < 0 ? alpha * x : x))(inputs, attributes, integer);
  },
  Cast: (inputs, attributes) => {
    const x = need(inputs, 0);
    const to = attributes.to;
    if (to === 'bool') return [{ shape: x.shape, data: x.data.map((v) => Number(v !== 0)) }];
    return [
      { shape: x.shape, data: typeof to === 'string' && to.startsWith('float') ? x.data : x.data.map(Math.trunc) },
    ];
  },
  Clip: (inputs) => {
    const [x, low, high] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
    return [{ shape: x.shape, data: x.data.map((v) => Math.min(Math.max(v, low.data[0]), high.data[0])) }];
  },
  Where: (inputs) => {
    const [condition, a, b] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
    const shape = broadcast(broadcast(condition.shape, a.shape), b.shape);
    return [fill(shape, (index) => broadcastAt(broadcastAt(condition, index) !== 0 ? a : b, index))];
  },
};
