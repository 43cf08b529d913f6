// Quantised networks with random weights, and every layer by its definition, for tests of the C code.
import { fanIn, type Layer, type LayerPlan, type LayerShape, layerShapes, sourcesOf } from '../nn/layer-plan.ts';
import type { AffineCode, QuantisedNetwork, QuantisedWeights } from '../nn/quantised-network.ts';
import { createRandom, type Random } from '../signal/simulate/random.ts';

const sizeOf = (shape: LayerShape): number => shape.reduce((product, size) => product * size, 1);

export function roundHalfEven(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

const saturated = (value: number): number => Math.min(255, Math.max(0, value));

/** Codes of values, divided in float32 as ONNX's QuantizeLinear. */
export const quantise = (values: ArrayLike<number>, { scale, zeroPoint }: AffineCode): Uint8Array =>
  Uint8Array.from(values, (value) => saturated(roundHalfEven(Math.fround(Math.fround(value) / scale)) + zeroPoint));

/** What a layer reads: whole numbers, zero points taken away, and their scale. */
type Source = { values: Int32Array; scale: number; shape: LayerShape };

const sourceOf = (codes: Uint8Array, { scale, zeroPoint }: AffineCode, shape: LayerShape): Source => ({
  values: Int32Array.from(codes, (code) => code - zeroPoint),
  scale,
  shape,
});

/** Accumulators of a convolution [channels, rows, columns]. */
function convSums(
  layer: Extract<Layer, { kind: 'conv' }>,
  { values, shape: [inputs, rows, columns] }: Source,
  weights: QuantisedWeights,
  made: LayerShape,
): Float64Array {
  const { kernel, stride, groups, channels } = layer;
  const perGroup = inputs / groups;
  const sums = new Float64Array(sizeOf(made));
  let at = 0;
  for (let o = 0; o < channels; o++) {
    const first = Math.floor(o / (channels / groups)) * perGroup;
    for (let r = 0; r < made[1]; r++) {
      for (let c = 0; c < made[2]; c++, at++) {
        sums[at] = weights.bias[o];
        for (let i = 0; i < perGroup; i++) {
          for (let kr = 0; kr < kernel[0]; kr++) {
            const row = r * stride[0] + kr - (kernel[0] - 1) / 2;
            for (let kc = 0; kc < kernel[1]; kc++) {
              const column = c * stride[1] + kc - (kernel[1] - 1) / 2;
              if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
              const weight = weights.values[((o * perGroup + i) * kernel[0] + kr) * kernel[1] + kc];
              sums[at] += weight * values[((first + i) * rows + row) * columns + column];
            }
          }
        }
      }
    }
  }
  return sums;
}

const denseSums = ({ values }: Source, weights: QuantisedWeights): Float64Array =>
  Float64Array.from(weights.bias, (bias, o) =>
    values.reduce((sum, value, i) => sum + value * weights.values[o * values.length + i], bias),
  );

const averaged = (
  { kernel, stride }: Extract<Layer, { kind: 'average-pool' }>,
  { values, scale, shape: [, rows, columns] }: Source,
  made: LayerShape,
): Float64Array =>
  Float64Array.from({ length: sizeOf(made) }, (_, at) => {
    const [channel, position] = [Math.floor(at / (made[1] * made[2])), at % (made[1] * made[2])];
    let sum = 0;
    for (let kr = 0; kr < kernel[0]; kr++) {
      const row = Math.floor(position / made[2]) * stride[0] + kr - (kernel[0] - 1) / 2;
      for (let kc = 0; kc < kernel[1]; kc++) {
        const column = (position % made[2]) * stride[1] + kc - (kernel[1] - 1) / 2;
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        sum += values[(channel * rows + row) * columns + column];
      }
    }
    return (scale * sum) / (kernel[0] * kernel[1]);
  });

function residualNormed(lambda: number, { values, scale, shape: [channels, rows, columns] }: Source): Float64Array {
  const out = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length: channels * columns }, (_, i) => {
      return (Math.floor(i / columns) * rows + row) * columns + (i % columns);
    });
    const mean = places.reduce((sum, at) => sum + scale * values[at], 0) / places.length;
    const variance = places.reduce((sum, at) => sum + (scale * values[at] - mean) ** 2, 0) / places.length;
    for (const at of places) {
      const x = scale * values[at];
      out[at] = lambda * x + (x - mean) / Math.sqrt(variance + 1e-5);
    }
  }
  return out;
}

function responseNormed(gamma: number, beta: number, { values, scale, shape }: Source): Float64Array {
  const pixels = shape[1] * shape[2];
  const norms = Array.from({ length: shape[0] }, (_, c) =>
    Math.hypot(...Array.from(values.subarray(c * pixels, (c + 1) * pixels), (value) => scale * value)),
  );
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
  return Float64Array.from(values, (value, at) => {
    const x = scale * value;
    return x + gamma * x * (norms[Math.floor(at / pixels)] / (mean + 1e-6)) + beta;
  });
}

/** Accumulators of layers with weights, values of the others. */
function layerResult(network: QuantisedNetwork, number: number, sources: readonly Source[], made: LayerShape) {
  const layer = network.plan.layers[number];
  const weights = network.weights.get(number) as QuantisedWeights;
  const [{ values, scale, shape }] = sources;
  switch (layer.kind) {
    case 'conv':
      return convSums(layer, sources[0], weights, made);
    case 'dense':
      return denseSums(sources[0], weights);
    case 'add':
      return Float64Array.from(values, (value, i) => scale * value + sources[1].scale * sources[1].values[i]);
    case 'average-pool':
      return averaged(layer, sources[0], made);
    case 'mean': {
      const pixels = shape[1] * shape[2];
      return Float64Array.from({ length: shape[0] }, (_, c) => {
        return (scale * values.subarray(c * pixels, (c + 1) * pixels).reduce((sum, value) => sum + value, 0)) / pixels;
      });
    }
    case 'residual-norm':
      return residualNormed(layer.lambda, sources[0]);
    case 'response-norm': {
      const [gamma, beta] = ['gamma', 'beta'].map((part) => network.numbers.get(`${layer.name}.${part}`)?.[0] ?? 0);
      return responseNormed(gamma, beta, sources[0]);
    }
    default:
      throw new TypeError(`layerResult: ${layer.kind}`);
  }
}

/**
 * Codes of one layer from the codes of all layers before it, [channels, rows, columns] each. `exact`: of whole numbers with
 * one factor of float32, so that nothing is left open; of the others the last digit of a float32 may decide a tie.
 */
export function layerCodes(
  network: QuantisedNetwork,
  number: number,
  codes: readonly Uint8Array[],
): { codes: Uint8Array; exact: boolean } {
  const shapes = layerShapes(network.plan);
  const layer = network.plan.layers[number];
  const sources = sourcesOf(layer).map((from) => sourceOf(codes[from], network.codes[from], shapes[from]));
  const result = layerResult(network, number, sources, shapes[number]);
  const { scale, zeroPoint } = network.codes[number];
  const weights = network.weights.get(number);
  if (!weights) {
    const made = Uint8Array.from(result, (value) => saturated(roundHalfEven(value / scale) + zeroPoint));
    return { codes: made, exact: false };
  }
  const perOutput = result.length / weights.scales.length;
  const made = Uint8Array.from(result, (sum, at) => {
    const unit = Math.fround(sources[0].scale * weights.scales[Math.floor(at / perOutput)]);
    const factor = Math.fround(unit / scale);
    return saturated(roundHalfEven(Math.fround(Math.fround(sum) * factor)) + zeroPoint);
  });
  return { codes: made, exact: true };
}

/** The code of values between -low and high. */
function codeFor(values: Float64Array, activation: string): AffineCode {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  const least = activation === 'none' ? values.reduce((a, b) => Math.min(a, b), 0) : 0;
  const range = (activation === 'relu6' ? Math.min(most, 6) : most) - least;
  const scale = Math.fround((range > 0 ? range : 1) / 255);
  return { scale, zeroPoint: Math.round(-least / scale) };
}

function drawWeights(random: Random, outputs: number, size: number, inputScale: number): QuantisedWeights {
  const values = Int8Array.from({ length: outputs * size }, () => random.integer(-127, 127));
  const scales = Float32Array.from({ length: outputs }, () => random.uniform(0.5, 2) / (73 * Math.sqrt(size)));
  const bias = Int32Array.from(scales, (scale) => Math.round(random.gaussian(0, 0.5) / (inputScale * scale)));
  return { values, scales, bias };
}

/** A network with weights from a seed, and codes that fit what random pictures with values between -2 and 3 make of it. */
export function randomNetwork(plan: LayerPlan, seed: string): QuantisedNetwork {
  const random = createRandom(seed);
  const shapes = layerShapes(plan);
  const weights = new Map<number, QuantisedWeights>();
  const numbers = new Map<string, Float32Array>();
  const codes: AffineCode[] = [{ scale: Math.fround(5 / 255), zeroPoint: 102 }];
  const network: QuantisedNetwork = { plan, codes, weights, numbers };
  const made: Uint8Array[] = [Uint8Array.from({ length: sizeOf(shapes[0]) }, () => random.integer(0, 255))];
  for (const [number, layer] of plan.layers.entries()) {
    if (layer.kind === 'input') continue;
    const [from] = sourcesOf(layer);
    const inputScale = codes[from].scale;
    if (layer.kind === 'conv') {
      weights.set(number, drawWeights(random, layer.channels, fanIn(layer, shapes[from][0]), inputScale));
    } else if (layer.kind === 'dense') {
      weights.set(number, drawWeights(random, layer.outputs, shapes[from][0], inputScale));
    } else if (layer.kind === 'response-norm') {
      numbers.set(`${layer.name}.gamma`, Float32Array.of(random.uniform(0.2, 1)));
      numbers.set(`${layer.name}.beta`, Float32Array.of(random.uniform(-0.2, 0.2)));
    }
    const sources = sourcesOf(layer).map((one) => sourceOf(made[one], codes[one], shapes[one]));
    const result = layerResult(network, number, sources, shapes[number]);
    const own = weights.get(number);
    const perOutput = own ? result.length / own.scales.length : 1;
    const values = own ? result.map((sum, at) => sum * inputScale * own.scales[Math.floor(at / perOutput)]) : result;
    codes.push(codeFor(values, 'activation' in layer ? layer.activation : 'none'));
    made.push(layerCodes(network, number, made).codes);
  }
  return network;
}
