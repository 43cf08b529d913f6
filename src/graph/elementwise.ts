// Element-wise operators with NumPy broadcasting.
import { sumTo } from './reshape.ts';
import { broadcastShapes } from './shapes.ts';
import { type Attributes, apply, type DType, scalarLike, type Tensor } from './tensor.ts';

type Operand = Tensor | number;

const like = (x: Operand, other: Operand): Tensor => {
  if (typeof x !== 'number') return x;
  if (typeof other === 'number') throw new TypeError(`element-wise operator: ${x} and ${other} are both plain numbers`);
  return scalarLike(other, x);
};

type BinaryGradient = (g: Tensor, a: Tensor, b: Tensor, output: Tensor) => [Tensor | undefined, Tensor | undefined];

function binary(op: string, left: Operand, right: Operand, gradient?: BinaryGradient, dtype?: DType): Tensor {
  const a = like(left, right);
  const b = like(right, left);
  if (a.dtype !== b.dtype) throw new TypeError(`${op}: types ${a.dtype} and ${b.dtype} differ; cast one of them`);
  const shape = broadcastShapes(a.shape, b.shape, op);
  const output: Tensor = apply(
    op,
    [a, b],
    { shape, dtype: dtype ?? a.dtype },
    {},
    gradient &&
      ((g) => {
        const [ga, gb] = gradient(g, a, b, output);
        return [ga && sumTo(ga, a), gb && sumTo(gb, b)];
      }),
  );
  return output;
}

export const add = (a: Operand, b: Operand): Tensor => binary('Add', a, b, (g) => [g, g]);
export const sub = (a: Operand, b: Operand): Tensor => binary('Sub', a, b, (g) => [g, neg(g)]);
export const mul = (a: Operand, b: Operand): Tensor => binary('Mul', a, b, (g, x, y) => [mul(g, y), mul(g, x)]);
export const div = (a: Operand, b: Operand): Tensor =>
  binary('Div', a, b, (g, _x, y, out) => {
    const scaled = div(g, y);
    return [scaled, neg(mul(scaled, out))];
  });
/** Larger of the two; where they are equal the gradient goes to `a`. */
export const maximum = (a: Operand, b: Operand): Tensor =>
  binary('Max', a, b, (g, x, y) => {
    const second = cast(less(x, y), g.dtype);
    return [mul(g, sub(1, second)), mul(g, second)];
  });
/** Smaller of the two; where they are equal the gradient goes to `a`. */
export const minimum = (a: Operand, b: Operand): Tensor =>
  binary('Min', a, b, (g, x, y) => {
    const second = cast(less(y, x), g.dtype);
    return [mul(g, sub(1, second)), mul(g, second)];
  });
/** a^b for a constant exponent `b`. */
export const pow = (a: Tensor, b: number): Tensor =>
  // b = 0 apart: 0 x^-1 would be no number at x = 0.
  binary('Pow', a, b, (g, x) => [mul(g, b === 0 ? mul(x, 0) : mul(b, pow(x, b - 1))), undefined]);

export const equal = (a: Operand, b: Operand): Tensor => binary('Equal', a, b, undefined, 'bool');
export const less = (a: Operand, b: Operand): Tensor => binary('Less', a, b, undefined, 'bool');
export const greater = (a: Operand, b: Operand): Tensor => binary('Greater', a, b, undefined, 'bool');

type UnaryGradient = (g: Tensor, x: Tensor, output: Tensor) => Tensor | undefined;

/** Of operators whose derivative is zero wherever it exists. */
const flat = () => undefined;

export function unary(op: string, x: Tensor, gradient?: UnaryGradient, attributes: Attributes = {}): Tensor {
  const output: Tensor = apply(
    op,
    [x],
    { shape: x.shape, dtype: x.dtype },
    attributes,
    gradient && ((g) => [gradient(g, x, output)]),
  );
  return output;
}

export const neg = (x: Tensor): Tensor => unary('Neg', x, (g) => neg(g));
export const exp = (x: Tensor): Tensor => unary('Exp', x, (g, _x, y) => mul(g, y));
export const log = (x: Tensor): Tensor => unary('Log', x, (g, a) => div(g, a));
export const sqrt = (x: Tensor): Tensor => unary('Sqrt', x, (g, _x, y) => div(mul(g, 0.5), y));
export const sin = (x: Tensor): Tensor => unary('Sin', x, (g, a) => mul(g, cos(a)));
export const cos = (x: Tensor): Tensor => unary('Cos', x, (g, a) => neg(mul(g, sin(a))));
export const tanh = (x: Tensor): Tensor => unary('Tanh', x, (g, _x, y) => mul(g, sub(1, mul(y, y))));
export const abs = (x: Tensor): Tensor => unary('Abs', x, (g, a) => mul(g, sign(a)));
export const sign = (x: Tensor): Tensor => unary('Sign', x, flat);
/** Nearest integer, halves to even. No gradient of its own: a straight-through estimator adds one. */
export const round = (x: Tensor): Tensor => unary('Round', x, flat);
export const floor = (x: Tensor): Tensor => unary('Floor', x, flat);
/** Gauss error function. */
export const erf = (x: Tensor): Tensor =>
  unary('Erf', x, (g, a) => mul(g, mul(2 / Math.sqrt(Math.PI), exp(neg(mul(a, a))))));

/** Another number type; gradients are cast back. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const differentiable = x.dtype.startsWith('float') && dtype.startsWith('float');
  return apply(
    'Cast',
    [x],
    { shape: x.shape, dtype },
    { to: dtype },
    differentiable ? (g) => [cast(g, x.dtype)] : undefined,
  );
}

/** `a` where the condition (bool) holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = [like(a, b), like(b, a)];
  if (condition.dtype !== 'bool' || x.dtype !== y.dtype) {
    throw new TypeError(
      `where: expected bool and two tensors of one type, got ${condition.dtype}, ${x.dtype}, ${y.dtype}`,
    );
  }
  const shape = broadcastShapes(broadcastShapes(condition.shape, x.shape, 'where'), y.shape, 'where');
  return apply('Where', [condition, x, y], { shape, dtype: x.dtype }, {}, (g) => [
    undefined,
    sumTo(where(condition, g, 0), x),
    sumTo(where(condition, 0, g), y),
  ]);
}

/** Values limited to [low, high]; the gradient is passed inside, and is zero outside. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  const limits = [scalarLike(x, low), scalarLike(x, high)];
  const y: Tensor = apply('Clip', [x, ...limits], { shape: x.shape, dtype: x.dtype }, {}, (g) => [
    mul(g, cast(equal(x, y), g.dtype)),
  ]);
  return y;
}

/** Passes the values, stops the gradient. */
export const stopGradient = (x: Tensor): Tensor => unary('Identity', x, flat);
