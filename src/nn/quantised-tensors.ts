// A network of whole numbers as named tensors, for files.
import type { StoredDtype, StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { elementCount } from '../signal/typed-view.ts';
import { type LayerPlan, layerShapes } from './layer-plan.ts';
import { responseNames } from './quantise.ts';
import type { QuantisedNetwork, QuantisedWeights } from './quantised-network.ts';

const SCALES = 'codes.scale';
const ZERO_POINTS = 'codes.zero_point';

/** Shape of the weights of every convolution and dense layer, by the layer's number. */
function weightShapes(plan: LayerPlan): Map<number, { name: string; shape: number[] }> {
  const shapes = layerShapes(plan);
  const found = new Map<number, { name: string; shape: number[] }>();
  for (const [number, layer] of plan.layers.entries()) {
    if (layer.kind === 'conv') {
      const inputs = shapes[layer.from][0] / layer.groups;
      found.set(number, { name: layer.name, shape: [layer.channels, inputs, ...layer.kernel] });
    } else if (layer.kind === 'dense') {
      found.set(number, { name: layer.name, shape: [layer.outputs, shapes[layer.from][0]] });
    }
  }
  return found;
}

/**
 * The tensors of a network: `name.weight` int8 in the shape of the float weights, `name.scale` float32 and `name.bias` int32
 * [outputs], the codes of all layers as `codes.scale` float32 and `codes.zero_point` uint8 [layers], and what stays in
 * float32 under its own name.
 */
export function quantisedTensors({ plan, codes, weights, numbers }: QuantisedNetwork): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const put = (name: string, dtype: StoredDtype, data: StoredTensor['data'], shape: number[] = [data.length]) =>
    tensors.set(name, { dtype, shape, data });
  for (const [number, { name, shape }] of weightShapes(plan)) {
    const { values, scales, bias } = weights.get(number) as QuantisedWeights;
    put(`${name}.weight`, 'I8', values, shape);
    put(`${name}.scale`, 'F32', scales);
    put(`${name}.bias`, 'I32', bias);
  }
  for (const [name, values] of numbers) put(name, 'F32', values);
  put(
    SCALES,
    'F32',
    Float32Array.from(codes, ({ scale }) => scale),
  );
  put(
    ZERO_POINTS,
    'U8',
    Uint8Array.from(codes, ({ zeroPoint }) => zeroPoint),
  );
  return tensors;
}

/**
 * The network of a plan from its tensors, the inverse of `quantisedTensors`. Tensors of other names are left alone.
 * @throws InputError where a tensor is missing or of another type or shape
 */
export function quantisedFrom(plan: LayerPlan, tensors: ReadonlyMap<string, StoredTensor>): QuantisedNetwork {
  const get = (name: string, dtype: StoredDtype, shape: readonly number[]): StoredTensor['data'] => {
    const found = tensors.get(name);
    const fits = found?.dtype === dtype && String(found.shape) === String(shape);
    if (!fits || found.data.length !== elementCount(shape)) {
      const what = found ? `${found.dtype} [${found.shape.join(', ')}]` : 'nothing';
      throw new InputError(
        `quantisedFrom: expected ${dtype} [${shape.join(', ')}] at ${name}, found ${what}; export the network again`,
      );
    }
    return found.data;
  };
  const layers = plan.layers.length;
  const scales = get(SCALES, 'F32', [layers]);
  const zeroPoints = get(ZERO_POINTS, 'U8', [layers]);
  const codes = plan.layers.map((_, i) => ({ scale: Number(scales[i]), zeroPoint: Number(zeroPoints[i]) }));
  const weights = new Map<number, QuantisedWeights>();
  for (const [number, { name, shape }] of weightShapes(plan)) {
    weights.set(number, {
      values: get(`${name}.weight`, 'I8', shape) as Int8Array,
      scales: get(`${name}.scale`, 'F32', [shape[0]]) as Float32Array,
      bias: get(`${name}.bias`, 'I32', [shape[0]]) as Int32Array,
    });
  }
  const numbers = new Map<string, Float32Array>();
  for (const layer of plan.layers) {
    if (layer.kind !== 'response-norm') continue;
    for (const name of responseNames(layer.name)) numbers.set(name, get(name, 'F32', [1]) as Float32Array);
  }
  return { plan, codes, weights, numbers };
}
