// Programs in Node: ONNX Runtime's native build (cpu, webgpu, cuda).
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { loadLanes } from './lanes.node.ts';
import type { Program, RuntimeOptions } from './runtime.ts';
import { createProgram, type OrtModule } from './session.ts';
import { inNativeCode } from './thread.node.ts';

/**
 * ONNX Runtime 1.30 writes usage events and a device number to `~/.cache/Microsoft`, and can upload them. Nobody asked
 * Thrum's user, so it is off unless the user's own environment says otherwise (`ORT_DISABLE_TELEMETRY=0`). Read by the
 * runtime when its first session starts.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';

/**
 * Prepares an ONNX model for execution. A run blocks the thread it is called on, unless there are several lanes.
 * @throws InputError if the provider is not there or the model is not valid.
 */
export async function loadProgram(model: Uint8Array, options: RuntimeOptions = {}): Promise<Program> {
  const { provider = 'cpu', lanes = 1, threads = availableParallelism() } = options;
  const count = provider === 'cpu' ? Math.min(lanes, threads) : 1;
  if (count > 1) return loadLanes(model, { ...options, lanes: 1, threads: Math.floor(threads / count) }, count);
  const program = await inNativeCode(() => createProgram(ort as unknown as OrtModule, model, { ...options, provider }));
  return {
    run: (feeds, into) => inNativeCode(() => program.run(feeds, into)),
    release: () => inNativeCode(() => program.release()),
  };
}
