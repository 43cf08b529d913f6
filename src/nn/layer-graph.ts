// The graph of a layer plan: with batch normalisation in training and afterwards, or with it folded into the weights.
import { relu, relu6 } from '../graph/activation.ts';
import { conv } from '../graph/conv.ts';
import { add, div, mul, sqrt, sub } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum } from '../graph/reshape.ts';
import { constant, type Tensor } from '../graph/tensor.ts';
import { batchNormLayer, type NormMode } from './batch-norm.ts';
import { type Activation, fanIn, type Layer, type LayerPlan, layerShapes, type Pair } from './layer-plan.ts';
import type { ParameterScope } from './parameters.ts';

/** What is done to the numbers of a folded network, such as rounding them to a grid. The input is layer 0. */
export type NumberGrid = {
  /** Weights of a convolution or dense layer, the outputs along the first axis. */
  weight(layer: number, values: Tensor): Tensor;
  /** What a layer passes on, after its activation. */
  output(layer: number, values: Tensor): Tensor;
};

/**
 * Where batch normalisation stands: `norm`, as layers with statistics of the batch or running ones; or folded into the
 * weights, every convolution having a bias of its own.
 */
export type PlanMode = { norm: NormMode; epsilon?: number; momentum?: number } | { folded: true; grid?: NumberGrid };

/** Added to the variance of a residual normalisation. */
export const RESIDUAL_EPSILON = 1e-5;
/** Added to the mean norm of a response normalisation. */
export const RESPONSE_EPSILON = 1e-6;

/** Residual normalisation of x [N, C, F, T]: lambda x + (x - mean) / deviation, per clip and frequency (BC-ResNet, Kim et al. 2021). */
export function residualNorm(x: Tensor, lambda: number): Tensor {
  const centred = sub(x, reduceMean(x, [1, 3], true));
  const variance = reduceMean(mul(centred, centred), [1, 3], true);
  return add(mul(x, lambda), div(centred, sqrt(add(variance, RESIDUAL_EPSILON))));
}

/** Global response normalisation of x [N, C, F, T] with scalar gamma and beta [1] (ConvNeXt V2; CP-Mobile of 2023). */
export function responseNorm(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const norms = sqrt(reduceSum(mul(x, x), [2, 3], true));
  const relative = div(norms, add(reduceMean(norms, [1], true), RESPONSE_EPSILON));
  return add(add(mul(mul(x, relative), gamma), beta), x);
}

/** Mean over `kernel` with zeros at the borders that count, as a convolution of every channel with itself alone. */
function averagePool(x: Tensor, kernel: Pair, stride: Pair): Tensor {
  const channels = x.shape[1] as number;
  const size = kernel[0] * kernel[1];
  const weight = constant(new Array<number>(channels * size).fill(1 / size), [channels, 1, ...kernel], x.dtype);
  return conv(x, weight, undefined, { stride, padding: kernel.map((k) => (k - 1) / 2), groups: channels });
}

const activations: Record<Activation, (x: Tensor) => Tensor> = { none: (x) => x, relu, relu6 };

/**
 * Outputs of all layers for clips x [N, C, rows, columns], in the order of the plan: [N, ...shape of the layer].
 * Parameters have the names that the plan gives; those of a folded network are `name.weight` and `name.bias` alone.
 * @throws InputError as `layerShapes`
 */
export function layerOutputs(scope: ParameterScope, plan: LayerPlan, x: Tensor, mode: PlanMode): Tensor[] {
  const shapes = layerShapes(plan);
  const folded = 'folded' in mode;
  const grid = folded ? mode.grid : undefined;
  const outputs: Tensor[] = [];

  const convolved = (layer: Extract<Layer, { kind: 'conv' }>, number: number): Tensor => {
    const { name, channels, kernel, stride, groups, norm, from } = layer;
    const inputs = shapes[from][0];
    const stored = scope(`${name}.weight`, [channels, inputs / groups, ...kernel]);
    const weight = grid ? grid.weight(number, stored) : stored;
    const bias = folded || norm === undefined ? scope(`${name}.bias`, [channels]) : undefined;
    const padding = kernel.map((k) => (k - 1) / 2);
    const y = conv(outputs[from], weight, bias, { stride, padding, groups });
    if (folded || norm === undefined) return y;
    return batchNormLayer(scope, norm, y, mode.norm, mode.epsilon, mode.momentum);
  };

  const computed = (layer: Layer, number: number): Tensor => {
    switch (layer.kind) {
      case 'input':
        return x;
      case 'conv':
        return activations[layer.activation](convolved(layer, number));
      case 'add':
        return activations[layer.activation](add(outputs[layer.from[0]], outputs[layer.from[1]]));
      case 'average-pool':
        return averagePool(outputs[layer.from], layer.kernel, layer.stride);
      case 'residual-norm':
        return residualNorm(outputs[layer.from], layer.lambda);
      case 'response-norm': {
        const [gamma, beta] = ['gamma', 'beta'].map((part) => scope(`${layer.name}.${part}`, [1]));
        return activations[layer.activation](responseNorm(outputs[layer.from], gamma, beta));
      }
      case 'mean':
        return reduceMean(outputs[layer.from], [2, 3]);
      case 'dense': {
        const stored = scope(`${layer.name}.weight`, [layer.outputs, shapes[layer.from][0]]);
        const weight = grid ? grid.weight(number, stored) : stored;
        return linear(outputs[layer.from], weight, scope(`${layer.name}.bias`, [layer.outputs]));
      }
    }
  };

  for (const [number, layer] of plan.layers.entries()) {
    const output = computed(layer, number);
    outputs.push(grid ? grid.output(number, output) : output);
  }
  return outputs;
}

/**
 * Parameters of the folded network: w gain / deviation, bias - mean gain / deviation, computed in double precision.
 * @param values parameters and running statistics by name
 * @throws TypeError where one is missing
 */
export function foldNorms(
  plan: LayerPlan,
  values: ReadonlyMap<string, ArrayLike<number>>,
  epsilon = 1e-5,
): Map<string, Float32Array> {
  const shapes = layerShapes(plan);
  const get = (name: string): ArrayLike<number> => {
    const found = values.get(name);
    if (!found) throw new TypeError(`foldNorms: no values of ${name}`);
    return found;
  };
  const folded = new Map<string, Float32Array>();
  for (const layer of plan.layers) {
    if (layer.kind === 'response-norm') {
      for (const part of ['gamma', 'beta'])
        folded.set(`${layer.name}.${part}`, Float32Array.from(get(`${layer.name}.${part}`)));
    }
    if (layer.kind !== 'conv' && layer.kind !== 'dense') continue;
    const weight = Float32Array.from(get(`${layer.name}.weight`));
    if (layer.kind === 'dense' || layer.norm === undefined) {
      folded.set(`${layer.name}.weight`, weight);
      folded.set(`${layer.name}.bias`, Float32Array.from(get(`${layer.name}.bias`)));
      continue;
    }
    const [gain, shift, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      get(`${layer.norm}.${part}`),
    );
    const size = fanIn(layer, shapes[layer.from][0]);
    const bias = new Float32Array(layer.channels);
    for (let c = 0; c < layer.channels; c++) {
      const factor = gain[c] / Math.sqrt(variance[c] + epsilon);
      bias[c] = shift[c] - mean[c] * factor;
      for (let i = c * size; i < (c + 1) * size; i++) weight[i] *= factor;
    }
    folded.set(`${layer.name}.weight`, weight);
    folded.set(`${layer.name}.bias`, bias);
  }
  return folded;
}
