// Programs in Node: ONNX Runtime's native build (cpu, webgpu, cuda). A run blocks the thread it is called on.
import * as ort from 'onnxruntime-node';
import type { Program, RuntimeOptions } from './runtime.ts';
import { createProgram, type OrtModule } from './session.ts';

/**
 * Prepares an ONNX model for execution.
 * @throws InputError if the provider is not there or the model is not valid.
 */
export const loadProgram = (model: Uint8Array, options: RuntimeOptions = {}): Promise<Program> =>
  createProgram(ort as unknown as OrtModule, model, { ...options, provider: options.provider ?? 'cpu' });
