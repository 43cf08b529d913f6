// From weights (or a seed) to an encoder that runs.

import type { RuntimeOptions } from '../graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { graphOptions } from './band-transformer.ts';
import type { ConfigHints } from './config-hints.ts';
import { families, familyOf } from './families.ts';
import type { Architecture, StateDict } from './family.ts';
import { loadWithWeights } from './load-weights.ts';
import type { Encoder } from './types.ts';

/** The architecture that a checkpoint's tensors make. @throws InputError if no family knows them. */
export function recogniseWeights(weights: StateDict, hints: ConfigHints = {}): Architecture {
  const found = familyOf(weights, hints);
  if (hints.family !== undefined && !families.some(({ name }) => name === hints.family)) {
    throw new InputError(
      `loadEncoder: expected a family of ${families.map(({ name }) => name).join(', ')}, got ${hints.family}`,
    );
  }
  if (!found) {
    const first = [...weights.keys()].slice(0, 3).join(', ');
    throw new InputError(
      `loadEncoder: expected weights of ${families.map(({ name }) => name).join(', ')}, got tensors named ${first}, …`,
    );
  }
  return found.family.infer(found.weights, hints);
}

/** Names and shapes of the parameters of a graph, and of what the architecture reads outside it. */
const withFrontEnd = ({ frontEnd = new Map() }: Architecture, outputs: Record<string, Tensor>) =>
  new Map<string, readonly number[]>([
    ...parametersOf(Object.values(outputs)),
    ...Array.from(frontEnd, ([name, { shape }]) => [name, shape] as const),
  ]);

/** Names and shapes of the parameters that an architecture needs. */
export const parameterShapes = (architecture: Architecture): Map<string, readonly number[]> =>
  withFrontEnd(architecture, architecture.graph(createScope()));

const SAMPLES_PER_TENSOR = 256;

/**
 * SHA-256 over family, configuration, and 256 evenly spaced values of every parameter: cheap to compute at every
 * start, and no training step leaves it unchanged.
 */
async function fingerprintOf(architecture: Architecture, values: ReadonlyMap<string, Float32Array>): Promise<string> {
  const names = [...values.keys()].sort();
  const text = new TextEncoder().encode(JSON.stringify([architecture.family, architecture.config, names]));
  const samples = new Float32Array(names.length * SAMPLES_PER_TENSOR);
  for (const [n, name] of names.entries()) {
    const tensor = values.get(name) as Float32Array;
    for (let i = 0; i < SAMPLES_PER_TENSOR; i++) {
      samples[n * SAMPLES_PER_TENSOR + i] = tensor[Math.floor((i * tensor.length) / SAMPLES_PER_TENSOR)];
    }
  }
  const joined = new Uint8Array(text.length + samples.byteLength);
  joined.set(text);
  joined.set(new Uint8Array(samples.buffer), text.length);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', joined));
  return `${architecture.family}:${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Values of every parameter, checked against the shapes that the graph expects. */
export function collectParameters(
  shapes: ReadonlyMap<string, readonly number[]>,
  weights: StateDict,
  id: string,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    const stored = weights.get(name);
    if (!stored)
      throw new InputError(`loadEncoder: ${id} lacks the tensor ${name} [${shape}]; the checkpoint is not complete`);
    if (stored.shape.join() !== shape.join()) {
      throw new InputError(`loadEncoder: expected ${name} of shape [${shape}], got [${stored.shape}] (${id})`);
    }
    const floats = toFloat32(stored);
    if (!floats.every(Number.isFinite))
      throw new InputError(`loadEncoder: ${name} of ${id} holds values that are not finite`);
    values.set(name, floats);
  }
  return values;
}

/** The fingerprint of the encoder that these weights make, without preparing it to run. */
export const fingerprintWeights = (id: string, architecture: Architecture, weights: StateDict): Promise<string> =>
  fingerprintOf(architecture, collectParameters(parameterShapes(architecture), weights, id));

/** An encoder from its architecture and weights. */
export async function buildEncoder(
  id: string,
  architecture: Architecture,
  weights: StateDict,
  options: RuntimeOptions = {},
): Promise<Encoder> {
  const outputs = architecture.graph(createScope(), graphOptions(options));
  const constants = collectParameters(withFrontEnd(architecture, outputs), weights, id);
  const program = await loadWithWeights(outputs, constants, id, options);
  return architecture.create(id, await fingerprintOf(architecture, constants), weights, program);
}

/**
 * Random weights for an architecture: matrices uniform in ±sqrt(6 / (in + out)) (Glorot & Bengio 2010), gains 1 (those of
 * weight normalisation and of WavLM's gate too), running variances 1, biases 0, tokens and positions normal with deviation 0.02; a front end
 * keeps its statistics. The honest control of any table of encoders.
 */
export function randomWeights(architecture: Architecture, seed: number): Map<string, StoredTensor> {
  const random = createRandom(seed);
  const weights = new Map<string, StoredTensor>();
  for (const [name, shape] of parameterShapes(architecture)) {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data = new Float32Array(size);
    const stream = random.fork(name);
    if (/token|pos_embed/.test(name)) for (let i = 0; i < size; i++) data[i] = stream.gaussian(0, 0.02);
    else if (/weight_g$|gru_rel_pos_const$|running_var$/.test(name)) data.fill(1);
    else if (shape.length > 1) {
      const limit = Math.sqrt(6 / (shape[0] + size / shape[0]));
      for (let i = 0; i < size; i++) data[i] = stream.uniform(-limit, limit);
    } else if (name.endsWith('weight')) data.fill(1);
    weights.set(name, { dtype: 'F32', shape: [...shape], data });
  }
  for (const [name, tensor] of architecture.frontEnd ?? []) weights.set(name, tensor);
  return weights;
}
