// The gradients of one step of fine-tuning, through the whole encoder, against those of PyTorch and against differences.
import { expect, it } from 'vitest';
import { floats, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { logSoftmax, softmax } from '../graph/activation.ts';
import { add, div, mul, neg, sqrt, sub } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { linear } from '../graph/matmul.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { slice } from '../graph/slicing.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { constant, type Tensor } from '../graph/tensor.ts';
import { createScope, type ParameterScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { goldenFeeds, goldenHead, layersOf, readGoldenSpeech } from './speech.test-util.ts';

const [SCALE, MARGIN, CLASSES, EMBEDDED] = [30, 0.2, 5, 32];

const unit = (x: Tensor): Tensor => div(x, sqrt(reduceSum(mul(x, x), [1], true)));

/** AAM-softmax (Deng et al. 2019) on an embedding of the weighted sum of all states, its mean over time. */
function fineTuning(scope: ParameterScope, states: readonly Tensor[], oneHot: Tensor, width: number) {
  const weights = softmax(scope('head.layer_weights', [states.length]));
  const weighted = states.map((state, i) => mul(state, reshape(slice(weights, 0, i, i + 1), [1, 1, 1])));
  const sum = weighted.reduce((total, state) => add(total, state));
  const projection = [scope('head.proj.weight', [EMBEDDED, width]), scope('head.proj.bias', [EMBEDDED])] as const;
  const embedding = linear(reduceMean(sum, [1]), ...projection);
  const cosine = linear(unit(embedding), unit(scope('head.aam.weight', [CLASSES, EMBEDDED])));
  const sine = sqrt(sub(1, mul(cosine, cosine)));
  const moved = sub(mul(cosine, Math.cos(MARGIN)), mul(sine, Math.sin(MARGIN)));
  const logits = mul(SCALE, add(cosine, mul(oneHot, sub(moved, cosine))));
  const loss = mul(neg(reduceSum(mul(oneHot, logSoftmax(logits)))), 1 / 2);
  return { embedding, logits, loss };
}

function stepOf(folder: string) {
  const { config, model } = readGoldenSpeech(folder);
  const golden = readGolden(`asd_finetune_${folder}/data.safetensors`);
  const labels = Array.from(golden.get('labels')?.data as BigInt64Array, Number);
  const oneHot = constant(
    labels.flatMap((label) => Array.from({ length: CLASSES }, (_, i) => (i === label ? 1 : 0))),
    [2, CLASSES],
  );
  const scope = createScope();
  const { states } = layersOf(config, floats(golden, 'input_values').length / 2, { scope });
  const outputs = fineTuning(scope, states, oneHot, config.width);
  const shapes = parametersOf([outputs.loss]);
  const slopes = gradients(
    outputs.loss,
    [...shapes].map(([name, shape]) => scope(name, shape)),
  );
  const named = Object.fromEntries([...shapes.keys()].map((name, i) => [`grad.${name}`, slopes[i]]));
  const weights = new Map([...model, ...goldenHead(golden)]);
  return { golden, outputs, named, shapes, weights, feeds: goldenFeeds(golden, 'input_values', config) };
}

const folders = ['wav2vec2_group_post', 'wavlm_group_post'];
/**
 * What lies before the first norm over the channels: the reference's gradients there contradict the differences of its own
 * loss by orders of magnitude, so these are held against differences instead.
 */
const isBefore = (name: string): boolean => name.includes('feature_extractor.');

it.each(folders)('%s: all parameters behind the convolutions have the gradients of PyTorch', async (folder) => {
  const { golden, outputs, named, shapes, weights, feeds } = stepOf(folder);
  const wanted = [...golden.keys()].filter((name) => name.startsWith('grad.'));
  expect([...shapes.keys()].map((name) => `grad.${name}`).sort()).toEqual(wanted.sort());
  const found = await runGraph({ ...outputs, ...named }, weights, feeds);
  const differences = Object.entries(found)
    .filter(([name]) => !isBefore(name))
    .map(([name, values]) => {
      const reference = floats(golden, name);
      // The bias of the keys has no influence: its gradient is what rounding leaves of 0.
      const largest = Math.max(1e-4, maxDifference(reference, new Float32Array(reference.length)));
      return [name, maxDifference(values, reference) / largest] as const;
    });
  expect(differences.length).toBeGreaterThan(55);
  expect(differences.filter(([, difference]) => !(difference < 1e-3))).toEqual([]);
});

it.each(folders)('%s: the convolutions have the gradients that differences of the loss show', async (folder) => {
  const { outputs, named, shapes, weights, feeds } = stepOf(folder);
  const names = [...shapes.keys()].filter(isBefore);
  expect(names).toHaveLength(9);
  const constants = new Map([...weights].map(([name, tensor]) => [name, toFloat32(tensor)]));
  const before = Object.entries(named).filter(([name]) => isBefore(name));
  const slopes = await runGraph(Object.fromEntries(before), weights, feeds);
  const others = new Map([...constants].filter(([name]) => !isBefore(name)));
  const program = await loadProgram(toOnnx({ outputs: { loss: outputs.loss }, constants: others }).bytes);
  const fed = (moved: string, direction: Float64Array, step: number) =>
    names.map((name) => {
      const own = constants.get(name) as Float32Array;
      const data = name === moved ? own.map((value, i) => value + step * direction[i]) : own;
      return [name, float32(data, shapes.get(name) as readonly number[])];
    });
  for (const name of names) {
    // Along the gradient, with a part at random that an error elsewhere would show in.
    const random = createRandom(name);
    const slope = slopes[`grad.${name}`];
    const [length, spread] = [Math.hypot(...slope), 0.5 / Math.sqrt(slope.length)];
    const direction = Float64Array.from(slope, (value) => value / length + random.gaussian(0, spread));
    const along = slope.reduce((sum, value, i) => sum + value * direction[i], 0);
    const losses: number[] = [];
    for (const step of [2e-3, -2e-3]) {
      const { loss } = await program.run({ ...feeds, ...Object.fromEntries(fed(name, direction, step)) });
      losses.push(Number(loss.data[0]));
    }
    expect(Math.abs((losses[0] - losses[1]) / 4e-3 / along - 1), name).toBeLessThan(3e-3);
  }
  await program.release();
});
