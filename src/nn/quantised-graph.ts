// The graph of a network of whole numbers: QuantizeLinear and DequantizeLinear around every layer, which ONNX Runtime (and
// most other tools) turn into integer kernels.

import { conv } from '../graph/conv.ts';
import { add } from '../graph/elementwise.ts';
import { dequantizeLinear, quantizeLinear } from '../graph/quantize.ts';
import { reshape } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { apply, constant, type Tensor } from '../graph/tensor.ts';
import { residualNorm, responseNorm } from './layer-graph.ts';
import { type Layer, layerShapes, sourcesOf } from './layer-plan.ts';
import { responseNames } from './quantise.ts';
import type { QuantisedNetwork, QuantisedWeights } from './quantised-network.ts';

/** Values of int8 weights [outputs, ...] and of their int32 bias, one scale per output. */
function dequantised({ values, scales, bias }: QuantisedWeights, shape: readonly number[], inputScale: number) {
  const outputs = [scales.length];
  const weightScale = constant(scales, outputs);
  const zeros = constant(new Int8Array(scales.length), outputs, 'int8');
  const biasScale = constant(
    scales.map((scale) => scale * inputScale),
    outputs,
  );
  return {
    weight: dequantizeLinear(constant(values, shape, 'int8'), weightScale, zeros, 0),
    bias: dequantizeLinear(constant(bias, outputs, 'int32'), biasScale, undefined, 0),
  };
}

/**
 * Mean of `kernel` values at every stride, zeros beyond the sides counting, as a convolution with weights of code 1: ONNX
 * Runtime's pooling of codes takes several times as long.
 */
function averagePool(x: Tensor, { kernel, stride }: Extract<Layer, { kind: 'average-pool' }>): Tensor {
  const channels = staticDim(x, 1, 'quantisedOutputs');
  const size = kernel[0] * kernel[1];
  const weight = dequantizeLinear(
    constant(new Int8Array(channels * size).fill(1), [channels, 1, ...kernel], 'int8'),
    constant(new Float32Array(channels).fill(1 / size), [channels]),
    constant(new Int8Array(channels), [channels], 'int8'),
    0,
  );
  return conv(x, weight, undefined, { stride, padding: kernel.map((k) => (k - 1) / 2), groups: channels });
}

/**
 * Outputs of all layers for clips x [N, C, rows, columns] in float32: as codes of uint8, and as the floats that they stand
 * for; [N, ...shape of the layer]. All weights are constants of the graph. Nothing of it can be differentiated. Rectifiers
 * are no nodes: their codes end where they do. Residual and response normalisation are computed in float32.
 */
export function quantisedOutputs(
  { plan, codes, weights, numbers }: QuantisedNetwork,
  x: Tensor,
): { floats: Tensor[]; codes: Tensor[] } {
  const shapes = layerShapes(plan);
  const grids = codes.map(({ scale, zeroPoint }) => ({
    scale: constant([scale], []),
    zeroPoint: constant([zeroPoint], [], 'uint8'),
  }));
  const [values, floats]: [Tensor[], Tensor[]] = [[], []];

  const computed = (layer: Layer, number: number): Tensor => {
    const sources = sourcesOf(layer).map((from) => floats[from]);
    switch (layer.kind) {
      case 'input':
        return x;
      case 'conv': {
        const { channels, kernel, stride, groups, from } = layer;
        const shape = [channels, shapes[from][0] / groups, ...kernel];
        const own = dequantised(weights.get(number) as QuantisedWeights, shape, codes[from].scale);
        return conv(sources[0], own.weight, own.bias, { stride, padding: kernel.map((k) => (k - 1) / 2), groups });
      }
      case 'add':
        return add(sources[0], sources[1]);
      case 'average-pool':
        return averagePool(sources[0], layer);
      case 'residual-norm':
        return residualNorm(sources[0], layer.lambda);
      case 'response-norm': {
        const [gamma, beta] = responseNames(layer.name).map((name) => constant(numbers.get(name) as Float32Array, [1]));
        return responseNorm(sources[0], gamma, beta);
      }
      case 'mean': {
        const [channels] = shapes[number];
        return apply('GlobalAveragePool', sources, { shape: [x.shape[0], channels, 1, 1], dtype: x.dtype });
      }
      case 'dense': {
        const shape = [layer.outputs, staticDim(sources[0], 1, 'quantisedOutputs')];
        const own = dequantised(weights.get(number) as QuantisedWeights, shape, codes[layer.from].scale);
        const inputs = [sources[0], own.weight, own.bias];
        return apply('Gemm', inputs, { shape: [x.shape[0], layer.outputs], dtype: x.dtype }, { transB: 1 });
      }
    }
  };

  for (const [number, layer] of plan.layers.entries()) {
    const { scale, zeroPoint } = grids[number];
    const code = quantizeLinear(computed(layer, number), scale, zeroPoint);
    // The mean's two axes of size 1 go behind its code, where they are in no kernel's way.
    const shaped = layer.kind === 'mean' ? reshape(code, [x.shape[0], ...shapes[number]]) : code;
    values.push(shaped);
    floats.push(dequantizeLinear(shaped, scale, zeroPoint));
  }
  return { floats, codes: values };
}
