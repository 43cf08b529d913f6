// The part of running an ONNX model that is the same for every build of ONNX Runtime.
import type { InferenceSession, Tensor as OrtTensor, TypedTensor } from 'onnxruntime-common';
import { InputError } from '../signal/errors.ts';
import type { Feeds, Program, RuntimeOptions, Value } from './runtime.ts';
import type { DType } from './tensor.ts';

/** What both onnxruntime-node and onnxruntime-web export. */
export type OrtModule = {
  InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  Tensor: new (type: DType, data: Value['data'], dims: readonly number[]) => TypedTensor<'float32'>;
};

/** Addition and norm as one node: its kernel for the CPU takes several times as long as the two where gains are fed. */
const FOR_CONSTANT_WEIGHTS = 'SkipLayerNormFusion';

/**
 * ONNX Runtime reads no shared memory: copies of what lies there, each in the same place at every run, so that its pages
 * are there already.
 */
function createUnshared() {
  const kept = new Map<string, Value['data']>();
  return (name: string, data: Value['data']): Value['data'] => {
    if (typeof SharedArrayBuffer === 'undefined' || !(data.buffer instanceof SharedArrayBuffer)) return data;
    const before = kept.get(name);
    if (before?.length !== data.length) {
      const copy = data.slice();
      kept.set(name, copy);
      return copy;
    }
    // Both are of the type of one input.
    (before as Float32Array).set(data as Float32Array);
    return before;
  };
}

/** Creates a session for `model` (ONNX bytes) and wraps it as a program. */
export async function createProgram(
  ort: OrtModule,
  model: Uint8Array,
  options: RuntimeOptions & { provider: string },
): Promise<Program> {
  let session: InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, {
      executionProviders: [options.provider],
      ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
      graphOptimizationLevel: 'all',
      // Warnings about constant folding and the like are not for users.
      logSeverityLevel: 3,
      extra: {
        session: {
          set_denormal_as_zero: '1',
          // Processors without VNNI would add products of uint8 and int8 codes in 16 bits, which overflow.
          x64quantprecision: '1',
        },
        ...(options.provider === 'cpu' &&
          options.fedWeights && { optimization: { disable_specified_optimizers: FOR_CONSTANT_WEIGHTS } }),
      },
    });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/\s+/g, ' ').trim();
    throw new InputError(
      `loadProgram: ONNX Runtime could not prepare the model for provider ${options.provider}: ${reason}`,
    );
  }
  const unshared = createUnshared();
  return {
    async run(feeds: Feeds) {
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, value] of Object.entries(feeds)) {
        inputs[name] = new ort.Tensor(value.dtype, unshared(name, value.data), value.shape) as unknown as OrtTensor;
      }
      const results = await session.run(inputs);
      const outputs: Record<string, Value> = {};
      for (const [name, tensor] of Object.entries(results)) {
        outputs[name] = { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as Value['data'] };
      }
      return outputs;
    },
    release: () => session.release(),
  };
}
