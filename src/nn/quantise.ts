// From a folded float network and the ranges of its layers to whole numbers.
import { InputError } from '../signal/errors.ts';
import { SMALLEST_SCALE, SMALLEST_WEIGHT } from './fake-quant.ts';
import { type Activation, activationOf, type LayerPlan } from './layer-plan.ts';
import type { AffineCode, QuantisedNetwork, QuantisedWeights } from './quantised-network.ts';

/** Smallest and largest value of a layer's output. */
export type Range = readonly [number, number];

/** Largest bias in its own units: room is left for the sum that it is added to, below 2^31. */
const LARGEST_BIAS = 2 ** 30;

/** Nearest integer, halves to even, as ONNX rounds. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * The code of a range, step for step in float32 as `fakeQuantActivations` computes it: the range is widened to hold 0; a
 * rectifier's begins at 0 and so has zero point 0, relu6's ends at 6 at most.
 */
export function affineCode([low, high]: Range, activation: Activation = 'none'): AffineCode {
  const { fround } = Math;
  const upper = Math.max(fround(activation === 'relu6' ? Math.min(high, 6) : high), 0);
  const lower = activation === 'none' ? Math.min(fround(low), 0) : 0;
  const scale = Math.max(fround(fround(upper - lower) / 255), SMALLEST_SCALE);
  return { scale, zeroPoint: roundHalfEven(fround(Math.abs(lower) / scale)) };
}

/**
 * Weights [outputs, ...] on the grid max |w| / 127 of every output, in float32 as `fakeQuantWeights` does. Where a bias
 * would need more than 30 bits (an output of next to no weights), its grid is coarser.
 * @param inputScale of the values that the weights multiply
 */
export function quantiseWeights(
  weights: Float32Array,
  bias: Float32Array,
  outputs: number,
  inputScale: number,
): QuantisedWeights {
  const { fround } = Math;
  const size = weights.length / outputs;
  const quantised = {
    values: new Int8Array(weights.length),
    scales: new Float32Array(outputs),
    bias: new Int32Array(outputs),
  };
  for (let o = 0; o < outputs; o++) {
    const row = weights.subarray(o * size, (o + 1) * size);
    const largest = row.reduce((most, w) => Math.max(most, Math.abs(w)), fround(SMALLEST_WEIGHT));
    const scale = fround(Math.max(largest / 127, Math.abs(bias[o]) / (inputScale * LARGEST_BIAS)));
    quantised.scales[o] = scale;
    for (const [i, w] of row.entries()) quantised.values[o * size + i] = roundHalfEven(fround(w / scale));
    quantised.bias[o] = roundHalfEven(bias[o] / (inputScale * scale));
  }
  return quantised;
}

function checkRanges(plan: LayerPlan, ranges: readonly Range[]): void {
  if (ranges.length !== plan.layers.length) {
    throw new InputError(
      `quantiseNetwork: expected a range for each of ${plan.layers.length} layers, got ${ranges.length}; calibrate this network`,
    );
  }
  for (const [layer, [low, high]] of ranges.entries()) {
    if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) {
      throw new InputError(
        `quantiseNetwork: expected the smallest and largest output of layer ${layer}, got ${low} and ${high}; calibrate it again`,
      );
    }
  }
}

/**
 * A network of 8-bit codes: what `fakeQuantGrid` imitates in training.
 * @param folded parameters `name.weight`, `name.bias` without batch normalisation, as `foldNorms` gives them
 * @param ranges of the outputs of all layers, from `calibrate` or from training
 * @throws InputError for ranges that do not fit the plan, are not in order or not finite, and for missing parameters
 */
export function quantiseNetwork(
  plan: LayerPlan,
  folded: ReadonlyMap<string, Float32Array>,
  ranges: readonly Range[],
): QuantisedNetwork {
  checkRanges(plan, ranges);
  const get = (name: string): Float32Array => {
    const values = folded.get(name);
    if (!values || !values.every(Number.isFinite)) {
      throw new InputError(
        `quantiseNetwork: expected finite values of ${name}, found ${values ? 'others' : 'none'}; fold the network again`,
      );
    }
    return values;
  };
  const codes = plan.layers.map((layer, number) => affineCode(ranges[number], activationOf(layer)));
  const weights = new Map<number, QuantisedWeights>();
  const numbers = new Map<string, Float32Array>();
  for (const [number, layer] of plan.layers.entries()) {
    if (layer.kind === 'response-norm') {
      for (const name of responseNames(layer.name)) numbers.set(name, get(name));
    }
    if (layer.kind !== 'conv' && layer.kind !== 'dense') continue;
    const outputs = layer.kind === 'conv' ? layer.channels : layer.outputs;
    const own = [get(`${layer.name}.weight`), get(`${layer.name}.bias`)] as const;
    weights.set(number, quantiseWeights(...own, outputs, codes[layer.from].scale));
  }
  return { plan, codes, weights, numbers };
}

/** Parameters of a response norm, [1] each. */
export const responseNames = (name: string): readonly [string, string] => [`${name}.gamma`, `${name}.beta`];
