// What a runtime offers: programs compiled from graphs, executed by ONNX Runtime on a chosen provider.
import type { ConstantValues, DType } from './tensor.ts';

/** Where a program runs. `cuda` needs the GPU files of ONNX Runtime; `wasm` is the browser's CPU. */
export type Provider = 'cpu' | 'webgpu' | 'cuda' | 'wasm';

export type RuntimeOptions = {
  provider?: Provider;
  /** CPU threads; all cores by default. */
  threads?: number;
  /** Whether weights are fed and change: fusions that pay for constant ones alone are left out on the CPU. */
  fedWeights?: boolean;
  /**
   * Runs at the same time, each on a thread of its own with its share of `threads`; 1 by default. At most one for every
   * thread, and on Node's CPU only: elsewhere runs take turns.
   */
  lanes?: number;
};

/** Numbers with their shape, as they go into and come out of a run. */
export type Value = { dtype: DType; shape: readonly number[]; data: ConstantValues };

export type Feeds = Readonly<Record<string, Value>>;

/** A compiled graph. */
export type Program = {
  /**
   * All outputs by name. Those that `into` names are written to its arrays, and not returned; a program on another thread
   * takes shared memory only.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Record<string, Value>>;
  release(): Promise<void>;
};

/** Wraps numbers as a float32 value. */
export const float32 = (data: Float32Array, shape: readonly number[]): Value => ({ dtype: 'float32', shape, data });
