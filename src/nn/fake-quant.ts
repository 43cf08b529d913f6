// Fake quantisation: numbers of a float graph rounded to the grid that a network of whole numbers will have, for training
// that gets used to it. Every value is exactly the one that QuantizeLinear and DequantizeLinear give.
import {
  abs,
  add,
  cast,
  div,
  equal,
  maximum,
  minimum,
  mul,
  neg,
  round,
  sqrt,
  sub,
  where,
} from '../graph/elementwise.ts';
import { reduceMax, reduceMean, reduceMin, varianceOfCentred } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { concat } from '../graph/slicing.ts';
import { apply, scalarLike, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { NumberGrid } from './layer-graph.ts';
import { type Activation, activationOf, type LayerPlan } from './layer-plan.ts';
import type { ParameterScope } from './parameters.ts';

/** Smallest scale of activations, float32's epsilon as in PyTorch: a layer that is all zeros has a scale too. */
export const SMALLEST_SCALE = 2 ** -23;
/** Smallest max |w| of a channel. */
export const SMALLEST_WEIGHT = 1e-12;

/**
 * How weights are rounded. `channel`: codes -127 to 127 of max |w| / 127 per output, the grid of the int8 file.
 * `observer`: PyTorch's symmetric observer, codes -128 to 127 of max |w| / 127.5 per output. `paper`: Eq. 18 of the
 * scene-distillation paper made to work, 256 codes over mean ± deviation of all weights. `paper-literal`: Eq. 18 as printed,
 * clip((w - mean) / deviation, 0, 255) deviation + mean, which rounds nothing and lifts every weight below the mean to it.
 */
export type WeightGrid = 'channel' | 'observer' | 'paper' | 'paper-literal';

/** x / scale. Here and below the gradient goes by scales, which cancel out in the end. */
const inSteps = (x: Tensor, scale: Tensor): Tensor =>
  apply('Div', [x, scale], { shape: x.shape, dtype: x.dtype }, {}, (g) => [g]);
const timesScale = (codes: Tensor, scale: Tensor): Tensor =>
  apply('Mul', [codes, scale], { shape: codes.shape, dtype: codes.dtype }, {}, (g) => [g]);
/** Nearest integer, halves to even; straight-through gradient. */
const toWhole = (x: Tensor): Tensor => apply('Round', [x], { shape: x.shape, dtype: x.dtype }, {}, (g) => [g]);

/** Limited to codes from `low` to `high`, scalars; with `masked` the gradient is zero where the limits changed a code. */
function limited(codes: Tensor, low: Tensor | number, high: Tensor | number, masked: boolean): Tensor {
  const [from, to] = [low, high].map((end) => (typeof end === 'number' ? scalarLike(codes, end) : end));
  const output: Tensor = apply('Clip', [codes, from, to], { shape: codes.shape, dtype: codes.dtype }, {}, (g) => [
    masked ? mul(g, cast(equal(codes, output), g.dtype)) : g,
  ]);
  return output;
}

/**
 * scale clip(round_half_even(x / scale), low, high): four element-wise nodes, and three for the gradient, which is 1 where
 * the code lies within its limits and 0 elsewhere (PyTorch's `fake_quantize`). None flows to scale and limits.
 * @param scale of a shape that x takes on; `low`, `high` scalars
 */
export function fakeQuantize(x: Tensor, scale: Tensor, low: Tensor | number, high: Tensor | number): Tensor {
  return timesScale(limited(toWhole(inSteps(x, scale)), low, high, true), scale);
}

/** Largest |w| of every output, [outputs, 1, ...]. */
const largest = (w: Tensor): Tensor => reduceMax(abs(w), w.shape.map((_, axis) => axis).slice(1), true);

function paperWeights(w: Tensor, literal: boolean): Tensor {
  const axes = w.shape.map((_, axis) => axis);
  const mean = reduceMean(w, axes, true);
  const deviation = maximum(sqrt(varianceOfCentred(sub(w, mean), axes)), SMALLEST_WEIGHT);
  const offset = literal ? mean : sub(mean, deviation);
  const scale = literal ? deviation : div(mul(deviation, 2), 255);
  const moved: Tensor = apply('Sub', [w, offset], { shape: w.shape, dtype: w.dtype }, {}, (g) => [g]);
  const steps = inSteps(moved, scale);
  const codes = limited(literal ? steps : toWhole(steps), 0, 255, false);
  return apply('Add', [timesScale(codes, scale), offset], { shape: w.shape, dtype: w.dtype }, {}, (g) => [g]);
}

/**
 * Weights w [outputs, ...] rounded to the grid of 8 bits. The gradient goes straight through, also where the paper's grid
 * cuts a weight off: it can come back.
 */
export function fakeQuantWeights(w: Tensor, grid: WeightGrid = 'channel'): Tensor {
  if (grid === 'paper' || grid === 'paper-literal') return paperWeights(w, grid === 'paper-literal');
  if (grid === 'observer') {
    const scale = maximum(div(largest(w), 127.5), SMALLEST_SCALE);
    return timesScale(limited(toWhole(inSteps(w, scale)), -128, 127, false), scale);
  }
  // No limits: the largest weight is code 127 by itself.
  const scale = div(maximum(largest(w), SMALLEST_WEIGHT), 127);
  return timesScale(toWhole(inSteps(w, scale)), scale);
}

type Ends = { low: Tensor; high: Tensor };

/** A range is in order: its ends are its smallest and its largest number. */
const endsOf = (range: Tensor): Ends => ({ low: reduceMin(range), high: reduceMax(range) });

function roundedActivations(x: Tensor, { low, high }: Ends, activation: Activation): Tensor {
  const upper = maximum(activation === 'relu6' ? minimum(high, 6) : high, 0);
  const step = (width: Tensor): Tensor => maximum(div(width, 255), SMALLEST_SCALE);
  // After a rectifier zero is code 0, so that the saturation of codes is the rectifier.
  if (activation !== 'none') return fakeQuantize(x, step(upper), 0, 255);
  const lower = minimum(low, 0);
  const scale = step(sub(upper, lower));
  const zeroPoint = round(div(neg(lower), scale));
  return fakeQuantize(x, scale, neg(zeroPoint), sub(255, zeroPoint));
}

/**
 * x rounded to the 256 codes of a range (low, high) [2], widened to hold 0, which has a code of its own; after `relu` and
 * `relu6` the range begins at 0, and ends at 6 at most. The gradient is 1 within the range and 0 outside; none flows to the
 * range.
 */
export const fakeQuantActivations = (x: Tensor, range: Tensor, activation: Activation = 'none'): Tensor =>
  roundedActivations(x, endsOf(range), activation);

/** Name of the range (smallest and largest value, [2]) of a layer's outputs; a stored [0, 0] has seen nothing yet. */
export const rangeName = (layer: number): string => `range.${layer}`;

/** Whether a parameter is a range: moved by `FakeQuantOptions.buffers`, never by an optimiser. */
export const isRange = (name: string): boolean => /^range\.\d+$/.test(name);

/**
 * The range after a batch, past + momentum (batch - past), with smallest and largest value apart (PyTorch's moving-average
 * observer). A range that has seen nothing is the batch's.
 */
export function observedRange(x: Tensor, range: Tensor, momentum = 0.01): Tensor {
  const past = endsOf(range);
  const batch = concat([reshape(reduceMin(x), [1]), reshape(reduceMax(x), [1])], 0);
  return where(equal(past.low, past.high), batch, add(range, mul(sub(batch, range), momentum)));
}

export type FakeQuantOptions = {
  /** Whether ranges follow the batch, which is rounded by what they have become. Off in the last epochs and afterwards. */
  observe: boolean;
  /** Takes the next ranges where they are observed, by the names of the present ones, as `NormMode.buffers` does. */
  buffers?: Map<string, Tensor>;
  /** Share of a batch in the ranges. */
  momentum?: number;
  weights?: WeightGrid;
};

/**
 * The grid of `quantiseNetwork` on a folded network in training, for `layerOutputs`. The outputs of all layers are rounded,
 * the input's too, whoever reads them: the network of whole numbers holds nothing else between two layers, not even before
 * a normalisation that it computes in floats. Ranges are parameters `range.0`, `range.1`, … [2]. Biases stay as they are:
 * their steps are those of one product of codes, far below an output's.
 * @throws InputError where ranges are observed and nothing takes them
 */
export function fakeQuantGrid(scope: ParameterScope, plan: LayerPlan, options: FakeQuantOptions): NumberGrid {
  const { observe, buffers, momentum, weights } = options;
  if (observe && !buffers) {
    throw new InputError('fakeQuantGrid: expected a map for the ranges it observes, found none; give buffers');
  }
  return {
    weight: (_layer, values) => fakeQuantWeights(values, weights),
    output(layer, values) {
      const stored = scope(rangeName(layer), [2]);
      const range = observe ? observedRange(values, stored, momentum) : stored;
      if (observe) buffers?.set(rangeName(layer), range);
      return fakeQuantActivations(values, range, activationOf(plan.layers[layer]));
    },
  };
}
