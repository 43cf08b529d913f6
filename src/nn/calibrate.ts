// The ranges of a float network's layers over clips, for the codes of a network of whole numbers.

import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { reduceMax, reduceMin } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { float32, type RuntimeOptions } from '../graph/runtime.ts';
import { concat } from '../graph/slicing.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { layerOutputs } from './layer-graph.ts';
import { type LayerPlan, layerShapes } from './layer-plan.ts';
import { createScope } from './parameters.ts';
import type { Range } from './quantise.ts';

const together = (values: readonly Tensor[]): Tensor =>
  concat(
    values.map((value) => reshape(value, [1])),
    0,
  );

/**
 * Smallest and largest output of every layer over all clips.
 * @param folded parameters without batch normalisation, as `foldNorms` gives them
 * @param batches each any number of clips [N, C, rows, columns]
 * @throws InputError for no clips, parts of clips, or outputs that are not finite
 */
export async function calibrate(
  plan: LayerPlan,
  folded: ReadonlyMap<string, Float32Array>,
  batches: Iterable<Float32Array> | AsyncIterable<Float32Array>,
  runtime: RuntimeOptions = {},
): Promise<Range[]> {
  const shape = layerShapes(plan)[0];
  const size = shape.reduce((product, dim) => product * dim, 1);
  const outputs = layerOutputs(createScope(), plan, input('x', ['batch', ...shape]), { folded: true });
  const low = together(outputs.map((output) => reduceMin(output)));
  const high = together(outputs.map((output) => reduceMax(output)));
  const program = await loadProgram(toOnnx({ outputs: { low, high }, constants: folded }).bytes, runtime);
  const ranges = plan.layers.map((): [number, number] => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  try {
    for await (const batch of batches) {
      if (batch.length === 0 || batch.length % size !== 0) {
        throw new InputError(`calibrate: expected whole clips of ${size} values, got ${batch.length} values`);
      }
      // ONNX Runtime's minima and maxima pass over what is not a number.
      if (!batch.every(Number.isFinite)) {
        throw new InputError('calibrate: expected finite values, found others in a clip; look at its spectrogram');
      }
      const found = await program.run({ x: float32(batch, [batch.length / size, ...shape]) });
      for (const [layer, range] of ranges.entries()) {
        const [lowest, highest] = [found.low, found.high].map(({ data }) => Number(data[layer]));
        if (!Number.isFinite(lowest) || !Number.isFinite(highest)) {
          throw new InputError(
            `calibrate: expected finite outputs of layer ${layer}, got ${lowest} to ${highest}; look at the weights`,
          );
        }
        range[0] = Math.min(range[0], lowest);
        range[1] = Math.max(range[1], highest);
      }
    }
  } finally {
    await program.release();
  }
  if (ranges[0][0] > ranges[0][1]) throw new InputError('calibrate: expected clips, got none; give some');
  return ranges;
}
