// What a student costs: values to train, multiplications to hear with, bytes to store.
import { type LayerCost, layerShapes, planCost } from '../nn/layer-plan.ts';
import { spectrogramSize } from '../signal/spectrogram.ts';
import { echoBands } from './echo.ts';
import { type StudentConfig, studentPlan } from './student-config.ts';
import { windowSamples } from './student-input.ts';

export type StudentCost = {
  /** Values that training changes. */
  parameters: number;
  /** Multiply-accumulates of one window: of all its bands, where it has several. */
  macsPerWindow: number;
  windowSeconds: number;
  macsPerSecond: number;
  /** Hz of the recording that this is for. */
  sampleRate: number;
  /** Bytes of int8 weights and int32 biases. */
  int8Bytes: number;
  layers: readonly (LayerCost & { kind: string; name?: string; shape: readonly number[] })[];
};

/**
 * The cost of the network alone, without its front end, by the rules of `planCost`.
 * @param sampleRate of recordings in Hz; a student of log-mels resamples to its own
 */
export function studentCost(config: StudentConfig, sampleRate = 16_000): StudentCost {
  const plan = studentPlan(config);
  const { parameters, macs, int8Bytes, layers } = planCost(plan);
  const shapes = layerShapes(plan);
  const { frontEnd } = config;
  const rate = frontEnd.kind === 'mel' ? frontEnd.sampleRate : sampleRate;
  let pictures = 1;
  let samples: number;
  if (frontEnd.kind === 'mel') samples = windowSamples(frontEnd);
  else {
    const { bins, nFft, hopLength } = spectrogramSize(0, rate);
    pictures = echoBands(bins, nFft, frontEnd.bandBins).length;
    samples = frontEnd.frames * hopLength;
  }
  return {
    parameters,
    macsPerWindow: pictures * macs,
    windowSeconds: samples / rate,
    macsPerSecond: Math.round((pictures * macs * rate) / samples),
    sampleRate: rate,
    int8Bytes,
    layers: layers.map((cost, number) => {
      const layer = plan.layers[number];
      return { ...cost, kind: layer.kind, ...('name' in layer && { name: layer.name }), shape: shapes[number] };
    }),
  };
}
