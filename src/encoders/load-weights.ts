// A graph and its weights as a program, whatever their size: an ONNX model ends at 2 GiB.
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32, type Program, type RuntimeOptions } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';

/** Bytes of weights that go into a model; protocol buffers take 2^31 with all the rest. */
const LARGEST_MODEL = 1.9e9;

/**
 * Compiles the graph behind `outputs` with its weights baked in. Those beyond `largest` bytes, the largest tensors first,
 * are fed at every run instead, which costs the optimisations that ONNX Runtime makes of constants.
 */
export async function loadWithWeights(
  outputs: Readonly<Record<string, Tensor>>,
  weights: ReadonlyMap<string, Float32Array>,
  name: string,
  options: RuntimeOptions = {},
  largest = LARGEST_MODEL,
): Promise<Program> {
  const baked = new Map(weights);
  const fed: Record<string, Feeds[string]> = {};
  const shapes = [...parametersOf(Object.values(outputs))];
  const sizeOf = (key: string): number => weights.get(key)?.byteLength ?? 0;
  let total = shapes.reduce((sum, [key]) => sum + sizeOf(key), 0);
  for (const [key, shape] of shapes.sort(([a], [b]) => sizeOf(b) - sizeOf(a))) {
    const values = weights.get(key);
    if (total <= largest || !values) break;
    fed[key] = float32(values, shape);
    baked.delete(key);
    total -= values.byteLength;
  }
  const program = await loadProgram(toOnnx({ outputs, constants: baked, name }).bytes, options);
  if (Object.keys(fed).length === 0) return program;
  return { ...program, run: (feeds) => program.run({ ...fed, ...feeds }) };
}
