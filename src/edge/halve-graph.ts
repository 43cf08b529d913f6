// Weights of a graph as 16-bit floats that are made 32 bits where they are read: half the file, the same arithmetic.
import { cast } from '../graph/elementwise.ts';
import type { StoredValues } from '../graph/onnx.ts';
import { parameter, type Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { numberToHalf } from '../signal/half-float.ts';
import { rewriteGraph } from './rewrite-graph.ts';

/** All exponent bits set: beyond the largest half, 65,504. */
const INFINITE = 0x7c00;

/**
 * The graph with its float32 parameters stored as float16, each value rounded to the nearest, ties to even, and cast
 * behind (ONNX Runtime does that once, when it loads the model). Tensors with a value beyond 65,504 stay float32.
 * @param values of all parameters
 */
export function halveGraph<K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  values: ReadonlyMap<string, Float32Array>,
): { outputs: Record<K, Tensor>; constants: Map<string, StoredValues> } {
  const constants = new Map<string, StoredValues>();
  for (const name of parametersOf(Object.values(outputs)).keys()) {
    const own = values.get(name);
    if (!own) continue;
    const halves = Uint16Array.from(own, numberToHalf);
    constants.set(name, halves.some((bits) => (bits & INFINITE) === INFINITE) ? own : halves);
  }
  const rewritten = rewriteGraph(outputs, ({ op, name, outputs: [tensor] }) => {
    if (op !== 'Parameter' || !(constants.get(name as string) instanceof Uint16Array)) return undefined;
    return [cast(parameter(name as string, tensor.shape as number[], 'float16'), 'float32')];
  });
  return { outputs: rewritten, constants };
}
