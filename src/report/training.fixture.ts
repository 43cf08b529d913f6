// A made-up training log for tests and for looking at the page: losses that fall with noise, a warm-up, spikes, rare probes.
import { createRandom } from '../signal/simulate/random.ts';
import { cosineSchedule, linearSchedule } from '../training/schedules.ts';

const STEPS_PER_LINE = 10;

export const trainingConfig = (lines: number) => ({
  steps: Math.max(20, 2 * lines * STEPS_PER_LINE),
  recipe: 'echo-tiny',
  learningRate: 5e-4,
  data: { clipSeconds: 2, sources: [{ kind: 'files', path: 'recordings/<old> & "new"' }] },
});

/** `lines` logged lines, one every 10 steps; with a probe every 50th. */
export function trainingMetrics(lines: number): Record<string, number>[] {
  const random = createRandom('training page');
  const steps = trainingConfig(lines).steps;
  const schedule = { peak: 5e-4, floor: 1e-6, warmUpSteps: steps / 20, steps };
  return Array.from({ length: lines }, (_, i) => {
    const step = (i + 1) * STEPS_PER_LINE;
    const share = i / Math.max(1, lines);
    const frameLoss = (0.35 + 0.6 * Math.exp(-5 * share)) * (1 + 0.06 * random.gaussian());
    const utteranceLoss = (0.1 + 0.3 * Math.exp(-8 * share)) * (1 + 0.1 * random.gaussian());
    return {
      step,
      seconds: 0.85 * step,
      loss: frameLoss + utteranceLoss,
      frameLoss,
      utteranceLoss,
      learningRate: cosineSchedule(schedule, step),
      decay: linearSchedule({ from: 0.9998, to: 0.99999, steps }, step),
      gradientNorm: 0.8 * Math.exp(0.3 * random.gaussian()) * (random.uniform() < 0.01 ? 20 : 1),
      targetSpread: 0.4 + 0.3 * share + 0.02 * random.gaussian(),
      clsSpread: 0.2 + 0.5 * share + 0.03 * random.gaussian(),
      clipsPerSecond: 35 + 2 * random.gaussian(),
      ...(i % 50 === 49 && {
        'probe.cwru': 0.6 + 0.35 * share + 0.01 * random.gaussian(),
        'probe.iica': 0.5 + 0.3 * share + 0.01 * random.gaussian(),
      }),
    };
  });
}
