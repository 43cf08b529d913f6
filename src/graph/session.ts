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
export const FOR_CONSTANT_WEIGHTS = 'SkipLayerNormFusion';

/** Both are of the type of one input or output. */
const copyInto = (to: Value['data'], from: Value['data']): void => (to as Float32Array).set(from as Float32Array);

/**
 * ONNX Runtime uses no shared memory: arrays of one's own in the place of such ones, the same at every run, so that their
 * pages are there already. What they hold is left over from before.
 */
function createUnshared() {
  const kept = new Map<string, Value['data']>();
  return (name: string, data: Value['data']): Value['data'] => {
    if (typeof SharedArrayBuffer === 'undefined' || !(data.buffer instanceof SharedArrayBuffer)) return data;
    const before = kept.get(name);
    if (before?.length === data.length) return before;
    const own = data.slice();
    kept.set(name, own);
    return own;
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
  // Others put results into memory of their own.
  const inPlace = options.provider === 'cpu';
  return {
    async run(feeds: Feeds, into: Feeds = {}) {
      const tensorOf = (data: Value['data'], { dtype, shape }: Value) =>
        new ort.Tensor(dtype, data, shape) as unknown as OrtTensor;
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, value] of Object.entries(feeds)) {
        const data = unshared(name, value.data);
        if (data !== value.data) copyInto(data, value.data);
        inputs[name] = tensorOf(data, value);
      }
      const wanted: Record<string, OrtTensor | null> = {};
      for (const name of session.outputNames) {
        wanted[name] = into[name] && inPlace ? tensorOf(unshared(name, into[name].data), into[name]) : null;
      }
      const results = await session.run(inputs, wanted);
      const outputs: Record<string, Value> = {};
      for (const [name, tensor] of Object.entries(results)) {
        const data = tensor.data as Value['data'];
        if (!into[name]) outputs[name] = { dtype: tensor.type as DType, shape: tensor.dims, data };
        else if (data !== into[name].data) copyInto(into[name].data, data);
      }
      return outputs;
    },
    release: () => session.release(),
  };
}
