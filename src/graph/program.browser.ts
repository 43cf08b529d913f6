// Programs in a browser: ONNX Runtime's WebAssembly and WebGPU builds.
import * as ort from 'onnxruntime-web';
import type { Program, RuntimeOptions } from './runtime.ts';
import { createProgram, type OrtModule } from './session.ts';

/**
 * Prepares an ONNX model for execution in the page or a web worker.
 * @throws InputError if the provider is not there or the model is not valid.
 */
export const loadProgram = (model: Uint8Array, options: RuntimeOptions = {}): Promise<Program> =>
  createProgram(ort as unknown as OrtModule, model, { ...options, provider: options.provider ?? 'wasm' });
