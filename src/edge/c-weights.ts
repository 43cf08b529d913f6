// Weights, biases and scales of a quantised network in the order in which the C code reads them.
import { fanIn, type Layer, type LayerShape } from '../nn/layer-plan.ts';
import type { AffineCode, QuantisedNetwork, QuantisedWeights } from '../nn/quantised-network.ts';
import { InputError } from '../signal/errors.ts';

type Conv = Extract<Layer, { kind: 'conv' }>;

/** Which function computes a convolution. */
export function convKind(
  { kernel, stride, groups, channels }: Conv,
  inputs: number,
): 'pointwise' | 'depthwise' | 'conv' {
  if (groups > 1 && groups === inputs && channels === inputs) return 'depthwise';
  const single = [...kernel, ...stride].every((size) => size === 1);
  return single && groups === 1 ? 'pointwise' : 'conv';
}

/** What a convolution or dense layer stores. */
export type WeightTables = {
  /** int8, in the order of the function that reads them. */
  weights: Int8Array;
  /** int32. Behind `pointwise` and `conv` they hold what the zero point of the input takes away. */
  biases: Int32Array;
  /** float32: units of the accumulator in units of the output, (input scale * weight scale) / output scale. */
  scales: Float32Array;
};

/** [outputs, inputs, taps] with taps before inputs: [outputs, taps, inputs]. */
function tapsFirst(values: Int8Array, inputs: number, taps: number): Int8Array {
  return values.map((_, at) => {
    const [output, rest] = [Math.floor(at / (inputs * taps)), at % (inputs * taps)];
    return values[output * inputs * taps + (rest % inputs) * taps + Math.floor(rest / inputs)];
  });
}

/** [channels, 1, taps] as [taps, channels]. */
function channelsLast(values: Int8Array, channels: number): Int8Array {
  const taps = values.length / channels;
  return values.map((_, at) => values[(at % channels) * taps + Math.floor(at / channels)]);
}

/** Biases less the zero point times the sum of the weights of each output. */
function withoutZero({ values, bias }: QuantisedWeights, zeroPoint: number, caller: string): Int32Array {
  const size = values.length / bias.length;
  return bias.map((own, o) => {
    let sum = 0;
    for (let i = o * size; i < (o + 1) * size; i++) sum += values[i];
    const all = own - zeroPoint * sum;
    if (Math.abs(all) > 2 ** 31 - 1) throw new InputError(`cSource: the bias ${all} of ${caller} does not fit int32`);
    return all;
  });
}

function checkedWeights(network: QuantisedNetwork, number: number, outputs: number, size: number): QuantisedWeights {
  const found = network.weights.get(number);
  const lengths = found && [found.values.length, found.scales.length, found.bias.length];
  if (found && String(lengths) === String([outputs * size, outputs, outputs])) return found;
  throw new InputError(
    `cSource: expected ${outputs * size} weights, ${outputs} scales and ${outputs} biases of layer ${number}, got ${lengths ?? 'none'}; quantise the network of this plan`,
  );
}

/**
 * Tables of layer `number`, a convolution or dense layer that reads `source`.
 * @throws InputError where the network has no weights of these sizes for it
 */
export function weightTables(
  network: QuantisedNetwork,
  number: number,
  layer: Extract<Layer, { kind: 'conv' | 'dense' }>,
  source: LayerShape,
): WeightTables {
  const inputs = source[0];
  const [outputs, size] = layer.kind === 'dense' ? [layer.outputs, inputs] : [layer.channels, fanIn(layer, inputs)];
  const stored = checkedWeights(network, number, outputs, size);
  const from = network.codes[layer.from];
  const unit = network.codes[number].scale;
  // As ONNX Runtime's QLinearConv: both steps in float32.
  const scales = stored.scales.map((scale) => Math.fround(from.scale * scale) / unit);
  const kind = layer.kind === 'dense' ? 'pointwise' : convKind(layer, inputs);
  if (kind === 'depthwise') return { weights: channelsLast(stored.values, outputs), biases: stored.bias, scales };
  const biases = withoutZero(stored, from.zeroPoint, `layer ${number}`);
  if (layer.kind === 'dense') return { weights: stored.values, biases, scales };
  const taps = layer.kernel[0] * layer.kernel[1];
  return { weights: tapsFirst(stored.values, inputs / layer.groups, taps), biases, scales };
}

/** What of a code does not fit a layer; undefined if nothing. */
function codeProblem(layer: Layer, code: AffineCode | undefined): string | undefined {
  if (!code) return 'expected a code';
  const { scale, zeroPoint } = code;
  if (!(scale > 0 && Number.isFinite(scale) && Math.fround(scale) === scale))
    return `expected a float32 scale, got ${scale}`;
  if (!(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255)) return `got zero point ${zeroPoint}`;
  const activation = 'activation' in layer ? layer.activation : 'none';
  if (activation !== 'none' && zeroPoint !== 0) return `expected zero point 0 behind ${activation}, got ${zeroPoint}`;
  // Half a step may be lost in the rounding of the scale.
  if (activation === 'relu6' && scale * 254.5 > 6) return `expected codes up to 6 behind relu6, got ${scale * 255}`;
  return undefined;
}

/**
 * The activation of a layer is what its codes cannot say: nothing below 0, and at most 6 behind `relu6`.
 * @throws InputError for codes that are missing or do not fit the layers
 */
export function checkCodes({ plan, codes }: QuantisedNetwork): void {
  for (const [number, layer] of plan.layers.entries()) {
    const problem = codeProblem(layer, codes[number]);
    if (problem)
      throw new InputError(`cSource: layer ${number} (${layer.kind}): ${problem}; calibrate the network anew`);
  }
}
