// Named parameters of a model: made once per name, found again in a graph, filled with numbers from a seed.
import { topologicalOrder } from '../graph/gradients.ts';
import { parameter, type Tensor } from '../graph/tensor.ts';

/** Gives the parameter of a name, the same tensor at every call; the first call fixes its shape. */
export type ParameterScope = (name: string, shape: readonly number[]) => Tensor;

/** A fresh set of parameters. Names are the checkpoint's own keys. */
export function createScope(): ParameterScope {
  const parameters = new Map<string, Tensor>();
  return (name, shape) => {
    const known = parameters.get(name);
    if (known) {
      if (known.shape.length !== shape.length || known.shape.some((dim, i) => dim !== shape[i])) {
        throw new TypeError(`parameter ${name}: asked for with shapes [${known.shape}] and [${shape}]`);
      }
      return known;
    }
    const created = parameter(name, shape);
    parameters.set(name, created);
    return created;
  };
}

/** All parameters that `outputs` depend on, by name. */
export function parametersOf(outputs: readonly Tensor[]): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const node of topologicalOrder(outputs)) {
    if (node.op === 'Parameter') found.set(node.name as string, node.outputs[0].shape as number[]);
  }
  return found;
}

/** Number of values in all parameters. */
export const parameterCount = (shapes: ReadonlyMap<string, readonly number[]>): number =>
  [...shapes.values()].reduce((total, shape) => total + shape.reduce((product, dim) => product * dim, 1), 0);
