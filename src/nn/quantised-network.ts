// A layer plan in whole numbers: what an int8 file, its ONNX graph and its C code hold.
import type { LayerPlan } from './layer-plan.ts';

/** Codes of 8 bits without sign: value = scale (code - zeroPoint). The scale is a float32 number. */
export type AffineCode = { scale: number; zeroPoint: number };

/** Of a convolution or dense layer with folded normalisation; its outputs are the first axis of `values`. */
export type QuantisedWeights = {
  /** -127 to 127, in the order of the float weights. */
  values: Int8Array;
  /** One per output: value = scale * code. */
  scales: Float32Array;
  /** In units of the input's scale times the output's own. */
  bias: Int32Array;
};

export type QuantisedNetwork = {
  plan: LayerPlan;
  /** Of every layer's output, in the order of the plan; that of the input is the first. */
  codes: readonly AffineCode[];
  /** By the layer's number. */
  weights: ReadonlyMap<number, QuantisedWeights>;
  /** What stays in 32 bits (gain and bias of response norms), by parameter name. */
  numbers: ReadonlyMap<string, Float32Array>;
};
