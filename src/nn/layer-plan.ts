// A small convolutional network as data: the list of its layers. The float graph, the quantised graph, the ONNX file and
// the C file are all made from it, so that they cannot differ in what is connected to what.
import { InputError } from '../signal/errors.ts';

export type Activation = 'none' | 'relu' | 'relu6';

/** Rows (frequency) and columns (time). */
export type Pair = readonly [number, number];

/** A layer. `from` are the numbers of the layers it reads, places in the list of the plan. */
export type Layer =
  /** Always the first, and only there. Channels, rows, columns. */
  | { kind: 'input'; shape: readonly [number, number, number] }
  /**
   * Convolution with an odd kernel, (kernel - 1) / 2 zeros on both sides. Weights `name.weight` [channels, inputs / groups,
   * rows, columns]; then batch normalisation `norm.{weight,bias,running_mean,running_var}`, or where there is none
   * `name.bias`.
   */
  | {
      kind: 'conv';
      from: number;
      name: string;
      norm?: string;
      channels: number;
      kernel: Pair;
      stride: Pair;
      groups: number;
      activation: Activation;
    }
  | { kind: 'add'; from: Pair; activation: Activation }
  /** Mean of `kernel` values, (kernel - 1) / 2 zeros on both sides that count. */
  | { kind: 'average-pool'; from: number; kernel: Pair; stride: Pair }
  /** Residual normalisation: lambda x + (x - mean) / deviation over channels and time, row by row (no parameters). */
  | { kind: 'residual-norm'; from: number; lambda: number }
  /** Global response normalisation with one gain and one bias: x + gamma x n + beta, n the norm of a channel among all. */
  | { kind: 'response-norm'; from: number; name: string; activation: Activation }
  /** Mean over rows and columns: [channels]. */
  | { kind: 'mean'; from: number }
  /** [outputs] of [inputs]: `name.weight` [outputs, inputs], `name.bias`. */
  | { kind: 'dense'; from: number; name: string; outputs: number };

export type LayerPlan = {
  /** Each reads layers before it; the last one is the output. */
  layers: readonly Layer[];
  /** Number of the layer whose output is the front end's, before the first block. */
  stem: number;
  /** Numbers of the layers at the ends of blocks, in order. */
  blocks: readonly number[];
};

/** [channels, rows, columns], or [width] behind `mean` and `dense`. */
export type LayerShape = readonly number[];

/** Layers that a layer reads. */
export function sourcesOf(layer: Layer): readonly number[] {
  if (layer.kind === 'input') return [];
  return typeof layer.from === 'number' ? [layer.from] : layer.from;
}

/** What a layer does to its values before it passes them on. */
export const activationOf = (layer: Layer): Activation => ('activation' in layer ? layer.activation : 'none');

const strided = ([rows, columns]: readonly number[], stride: Pair): [number, number] => [
  Math.floor((rows - 1) / stride[0]) + 1,
  Math.floor((columns - 1) / stride[1]) + 1,
];

/** Why a layer cannot read what it reads; undefined if it can. */
function problemOf(layer: Layer, number: number, sources: readonly LayerShape[]): string | undefined {
  if ((layer.kind === 'input') !== (number === 0)) return 'expected the input as the first layer and nowhere else';
  if (sourcesOf(layer).some((from) => !(from >= 0 && from < number))) return 'expected to read layers before it';
  const picture = sources.every(({ length }) => length === 3);
  if (layer.kind === 'dense') return sources[0].length === 1 ? undefined : 'expected a vector; put a mean before it';
  if (!picture) return 'expected channels, rows and columns';
  if (layer.kind === 'conv') {
    const { groups, channels, kernel } = layer;
    if (kernel.some((size) => size % 2 !== 1)) return `expected an odd kernel, got ${kernel}`;
    if (sources[0][0] % groups !== 0 || channels % groups !== 0) return `${groups} groups do not divide its channels`;
  }
  if (layer.kind === 'add' && String(sources[0]) !== String(sources[1])) {
    return `expected equal shapes, got [${sources[0]}] and [${sources[1]}]`;
  }
  return undefined;
}

/**
 * Shapes of the outputs of all layers, of one clip.
 * @throws InputError for layers that do not fit together
 */
export function layerShapes(plan: LayerPlan): LayerShape[] {
  const shapes: LayerShape[] = [];
  for (const [number, layer] of plan.layers.entries()) {
    const sources = sourcesOf(layer).map((from) => shapes[from] ?? []);
    const problem = problemOf(layer, number, sources);
    if (problem !== undefined) throw new InputError(`layerShapes: layer ${number} (${layer.kind}): ${problem}`);
    shapes.push(shapeOf(layer, sources[0]));
  }
  return shapes;
}

function shapeOf(layer: Layer, source: LayerShape): LayerShape {
  switch (layer.kind) {
    case 'input':
      return layer.shape;
    case 'conv':
      return [layer.channels, ...strided(source.slice(1), layer.stride)];
    case 'average-pool':
      return [source[0], ...strided(source.slice(1), layer.stride)];
    case 'mean':
      return [source[0]];
    case 'dense':
      return [layer.outputs];
    default:
      return source;
  }
}

/** Inputs of one output value of a convolution: rows of its matrix. */
export const fanIn = (layer: Extract<Layer, { kind: 'conv' }>, channels: number): number =>
  (channels / layer.groups) * layer.kernel[0] * layer.kernel[1];

export type LayerCost = {
  layer: number;
  /** Values that training changes; running statistics do not count. */
  parameters: number;
  /** Multiply-accumulates of one clip. */
  macs: number;
  /** Stored for deployment: weights in int8, biases (normalisation folded in) in int32. */
  weights: number;
  biases: number;
};

export type PlanCost = {
  layers: readonly LayerCost[];
  parameters: number;
  macs: number;
  /** Bytes of int8 weights and int32 biases. */
  int8Bytes: number;
};

function costOf(layer: Layer, number: number, source: LayerShape, shape: LayerShape): LayerCost {
  const nothing = { layer: number, parameters: 0, macs: 0, weights: 0, biases: 0 };
  switch (layer.kind) {
    case 'conv': {
      const weights = layer.channels * fanIn(layer, source[0]);
      const own = layer.norm === undefined ? layer.channels : 2 * layer.channels;
      const macs = weights * shape[1] * shape[2] + own;
      return { layer: number, parameters: weights + own, macs, weights, biases: layer.channels };
    }
    case 'dense': {
      const weights = layer.outputs * source[0];
      const parameters = weights + layer.outputs;
      return { layer: number, parameters, macs: parameters, weights, biases: layer.outputs };
    }
    case 'response-norm':
      // Gain and bias stay numbers of 32 bits.
      return { ...nothing, parameters: 2, macs: 2, biases: 2 };
    default:
      return nothing;
  }
}

/**
 * Parameters and multiply-accumulates by the rules of DCASE Task 1 (the 2024 baseline's table): a convolution counts its
 * weights at every output position, a bias or a normalisation once per value; sums, means and activations are free.
 * @throws InputError as `layerShapes`
 */
export function planCost(plan: LayerPlan): PlanCost {
  const shapes = layerShapes(plan);
  const layers = plan.layers.map((layer, number) =>
    costOf(layer, number, shapes[sourcesOf(layer)[0] ?? 0], shapes[number]),
  );
  const sum = (key: Exclude<keyof LayerCost, 'layer'>): number => layers.reduce((total, cost) => total + cost[key], 0);
  return {
    layers,
    parameters: sum('parameters'),
    macs: sum('macs'),
    int8Bytes: sum('weights') + 4 * sum('biases'),
  };
}
