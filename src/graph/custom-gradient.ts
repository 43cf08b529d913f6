// Values whose gradient is not that of the operators that compute them.
import { addNode, type Tensor } from './tensor.ts';

/**
 * `value`, with a gradient that is quicker to compute than the one its operators would give: `backward` turns the gradient
 * of `value` into those of `inputs`, which it depends on and nothing else. Its result must be the same up to rounding.
 */
export function withGradient(
  value: Tensor,
  inputs: readonly Tensor[],
  backward: (gradient: Tensor) => readonly (Tensor | undefined)[],
): Tensor {
  const { shape, dtype } = value;
  // The further inputs are there for differentiation alone: they are not written into a model.
  return addNode({
    op: 'Identity',
    inputs: [value, ...inputs],
    outputs: [{ shape, dtype }],
    vjp: ([gradient]) => (gradient ? [undefined, ...backward(gradient)] : []),
  })[0];
}
