// A network of whole numbers by plain loops: the arithmetic that its ONNX graph and its C code have to agree with.
import { InputError } from '../signal/errors.ts';
import { RESIDUAL_EPSILON, RESPONSE_EPSILON } from './layer-graph.ts';
import { type Layer, type LayerShape, layerShapes, type Pair, sourcesOf } from './layer-plan.ts';
import { responseNames, roundHalfEven } from './quantise.ts';
import type { AffineCode, QuantisedNetwork, QuantisedWeights } from './quantised-network.ts';

/** One clip's codes [...shape] and what they stand for. */
type Codes = { codes: Uint8Array; shape: LayerShape; code: AffineCode };

const sizeOf = (shape: LayerShape): number => shape.reduce((product, size) => product * size, 1);

const saturated = (whole: number, zeroPoint: number): number => Math.min(Math.max(whole + zeroPoint, 0), 255);

/** Codes of real values, saturate(round_half_even(x / scale) + zeroPoint); x / scale in float32, as ONNX has it. */
export const toCodes = (values: ArrayLike<number>, { scale, zeroPoint }: AffineCode): Uint8Array =>
  Uint8Array.from(values, (value) => saturated(roundHalfEven(Math.fround(value / scale)), zeroPoint));

/** Real values of codes. */
const realsOf = ({ codes, code }: Codes): Float64Array =>
  Float64Array.from(codes, (value) => code.scale * (value - code.zeroPoint));

/** Calls back for every tap of a kernel that lies within a picture, for every output position. */
function eachTap(
  [, rows, columns]: LayerShape,
  [, outRows, outColumns]: LayerShape,
  { kernel, stride }: { kernel: Pair; stride: Pair },
  use: (position: number, tap: number, source: number) => void,
): void {
  for (let r = 0; r < outRows; r++) {
    for (let c = 0; c < outColumns; c++) {
      for (let i = 0; i < kernel[0]; i++) {
        for (let j = 0; j < kernel[1]; j++) {
          const row = r * stride[0] + i - (kernel[0] - 1) / 2;
          const column = c * stride[1] + j - (kernel[1] - 1) / 2;
          if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
          use(r * outColumns + c, i * kernel[1] + j, row * columns + column);
        }
      }
    }
  }
}

/**
 * Sums of a convolution in whole numbers: bias + sum w (x - zero point), [channels, rows, columns]. Beyond the sides lies
 * the zero point, which adds nothing.
 */
export function convolveCodes(
  { codes, shape, code }: Codes,
  { values, bias }: Pick<QuantisedWeights, 'values' | 'bias'>,
  layer: Pick<Extract<Layer, { kind: 'conv' }>, 'kernel' | 'stride' | 'groups'>,
  outShape: LayerShape,
): Int32Array {
  const [plane, outPlane] = [shape, outShape].map(([, rows, columns]) => rows * columns);
  const taps = layer.kernel[0] * layer.kernel[1];
  const perGroup = shape[0] / layer.groups;
  const filters = outShape[0] / layer.groups;
  const sums = new Int32Array(sizeOf(outShape));
  for (let o = 0; o < outShape[0]; o++) {
    const from = Math.floor(o / filters) * perGroup;
    sums.fill(bias[o], o * outPlane, (o + 1) * outPlane);
    eachTap(shape, outShape, layer, (position, tap, source) => {
      for (let c = 0; c < perGroup; c++) {
        const w = values[(o * perGroup + c) * taps + tap];
        sums[o * outPlane + position] += w * (codes[(from + c) * plane + source] - code.zeroPoint);
      }
    });
  }
  return sums;
}

/** Codes of sums in units of `inputScale` times the output's scale: saturate(round_half_even(sum sx sw / so) + zo). */
export function requantised(
  sums: Int32Array,
  inputScale: number,
  weightScales: ArrayLike<number>,
  { scale, zeroPoint }: AffineCode,
): Uint8Array {
  const perOutput = sums.length / weightScales.length;
  return Uint8Array.from(sums, (sum, i) => {
    const real = (sum * inputScale * weightScales[Math.floor(i / perOutput)]) / scale;
    return saturated(roundHalfEven(real), zeroPoint);
  });
}

function residualNorm(x: Float64Array, [channels, rows, columns]: LayerShape, lambda: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let row = 0; row < rows; row++) {
    const places = Array.from(
      { length: channels * columns },
      (_, i) => (Math.floor(i / columns) * rows + row) * columns + (i % columns),
    );
    const mean = places.reduce((sum, at) => sum + x[at], 0) / places.length;
    const variance = places.reduce((sum, at) => sum + (x[at] - mean) ** 2, 0) / places.length;
    for (const at of places) y[at] = lambda * x[at] + (x[at] - mean) / Math.sqrt(variance + RESIDUAL_EPSILON);
  }
  return y;
}

function responseNorm(x: Float64Array, [channels]: LayerShape, gamma: number, beta: number): Float64Array {
  const plane = x.length / channels;
  const norms = Array.from({ length: channels }, (_, c) =>
    Math.sqrt(x.subarray(c * plane, (c + 1) * plane).reduce((sum, value) => sum + value * value, 0)),
  );
  const mean = norms.reduce((a, b) => a + b) / channels;
  return x.map((value, i) => value + gamma * value * (norms[Math.floor(i / plane)] / (mean + RESPONSE_EPSILON)) + beta);
}

/** Sums of a picture's values, less their zero point, under a kernel. */
function pooled({ codes, shape, code }: Codes, layer: { kernel: Pair; stride: Pair }, outShape: LayerShape): number[] {
  const [plane, outPlane] = [shape, outShape].map(([, rows, columns]) => rows * columns);
  const sums = new Array<number>(sizeOf(outShape)).fill(0);
  for (let c = 0; c < shape[0]; c++) {
    eachTap(shape, outShape, layer, (position, _tap, source) => {
      sums[c * outPlane + position] += codes[c * plane + source] - code.zeroPoint;
    });
  }
  return sums;
}

/**
 * Codes of one layer for one clip, from the codes of the layers that it reads, in the order of `sourcesOf`. Sums are whole
 * numbers; normalisation is computed in float64.
 */
export function runQuantisedLayer(
  network: QuantisedNetwork,
  number: number,
  sources: readonly Uint8Array[],
): Uint8Array {
  const { plan, codes: grids, weights, numbers } = network;
  const shapes = layerShapes(plan);
  const [layer, shape, own] = [plan.layers[number], shapes[number], grids[number]];
  const read = sourcesOf(layer).map((from, i) => ({ codes: sources[i], shape: shapes[from], code: grids[from] }));
  const [first, second] = read;
  const rounded = (values: ArrayLike<number>, unit: number): Uint8Array =>
    Uint8Array.from(values, (value) => saturated(roundHalfEven((value * unit) / own.scale), own.zeroPoint));
  switch (layer.kind) {
    case 'input':
      throw new TypeError('runQuantisedLayer: the input is given, not computed; ask for a later layer');
    case 'conv': {
      const stored = weights.get(number) as QuantisedWeights;
      const sums = convolveCodes(first, stored, layer, shape);
      return requantised(sums, first.code.scale, stored.scales, own);
    }
    case 'dense': {
      const stored = weights.get(number) as QuantisedWeights;
      const vector = { ...first, shape: [first.codes.length, 1, 1] };
      const geometry = { kernel: [1, 1], stride: [1, 1], groups: 1 } as const;
      const sums = convolveCodes(vector, stored, geometry, [layer.outputs, 1, 1]);
      return requantised(sums, first.code.scale, stored.scales, own);
    }
    case 'add': {
      const [a, b] = [realsOf(first), realsOf(second)];
      return rounded(
        a.map((value, i) => value + b[i]),
        1,
      );
    }
    case 'average-pool':
      return rounded(pooled(first, layer, shape), first.code.scale / (layer.kernel[0] * layer.kernel[1]));
    case 'mean': {
      const count = first.codes.length / shape[0];
      const sums = Array.from({ length: shape[0] }, (_, c) =>
        first.codes.subarray(c * count, (c + 1) * count).reduce((sum, code) => sum + code - first.code.zeroPoint, 0),
      );
      return rounded(sums, first.code.scale / count);
    }
    case 'residual-norm':
      return rounded(residualNorm(realsOf(first), first.shape, layer.lambda), 1);
    case 'response-norm': {
      const [gamma, beta] = responseNames(layer.name).map((name) => (numbers.get(name) as Float32Array)[0]);
      return rounded(responseNorm(realsOf(first), first.shape, gamma, beta), 1);
    }
  }
}

/**
 * Codes of all layers for the input codes [C, rows, columns] of one clip, those of the input first.
 * @throws InputError where the input has another size
 */
export function runQuantised(network: QuantisedNetwork, input: Uint8Array): Uint8Array[] {
  const { plan } = network;
  const size = sizeOf(layerShapes(plan)[0]);
  if (input.length !== size) {
    throw new InputError(
      `runQuantised: expected the ${size} codes of one clip, got ${input.length}; give one at a time`,
    );
  }
  const outputs = [input];
  for (let number = 1; number < plan.layers.length; number++) {
    const sources = sourcesOf(plan.layers[number]).map((from) => outputs[from]);
    outputs.push(runQuantisedLayer(network, number, sources));
  }
  return outputs;
}
