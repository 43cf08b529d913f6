// Runs a graph with stored weights baked in and returns plain arrays: for tests that look at intermediate tensors.
import { toOnnx } from '../src/graph/onnx.ts';
import { loadProgram } from '../src/graph/program.ts';
import type { Feeds } from '../src/graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../src/graph/stored-tensor.ts';
import type { Tensor } from '../src/graph/tensor.ts';

export async function runGraph(
  outputs: Record<string, Tensor>,
  weights: ReadonlyMap<string, StoredTensor>,
  feeds: Feeds,
): Promise<Record<string, Float32Array>> {
  const constants = new Map([...weights].map(([name, tensor]) => [name, toFloat32(tensor)]));
  const program = await loadProgram(toOnnx({ outputs, constants }).bytes);
  const results = await program.run(feeds);
  await program.release();
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, value.data as Float32Array]));
}
