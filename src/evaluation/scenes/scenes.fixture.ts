// A classifier of two scenes on three devices, for tests of figures and tables.
import type { ScenePrediction } from './score.ts';

export const names = ['rain', 'wind'];

/** Logits that are sure by `margin` of one of both. */
export const sure = (label: string, margin = 2): Float32Array =>
  Float32Array.from(names, (name) => (name === label ? margin : 0));

/** Device a is right on all 4, b on 2 of 4, s5 on 1 of 4; rain has 6 clips and wind 6. */
export const predictions: ScenePrediction[] = [
  ...['rain', 'rain', 'wind', 'wind'].map((truth) => ({ truth, device: 'a', logits: sure(truth) })),
  ...['rain', 'rain', 'wind', 'wind'].map((truth) => ({ truth, device: 'b', logits: sure('rain') })),
  ...['rain', 'wind', 'rain', 'wind'].map((truth, i) => ({
    truth,
    device: 's5',
    logits: sure(i === 0 ? truth : truth === 'rain' ? 'wind' : 'rain'),
  })),
];
