// The promise of the threshold, on simulated machines: false alarms stay near the rate that was asked for.
import { expect, it } from 'vitest';
import { fitDetector } from '../src/detection/detector.ts';
import { createScorer } from '../src/detection/score.ts';
import { createSpectral, spectralSettings } from '../src/encoders/spectral.ts';
import { pickChannel } from '../src/signal/segments.ts';
import { machineNames, machines, simulate } from '../src/signal/simulate/index.ts';

const encoder = createSpectral('spectral', spectralSettings.spectral);

it.each([
  [30, 0.02],
  [100, 0.015],
])('fitted on %i normal recordings, at most %f of new ones raise an alarm at 1 %', async (count, limit) => {
  let alarms = 0;
  let total = 0;
  for (const machine of machineNames) {
    const sampleRate = Math.min(16000, machines[machine].defaultSampleRate);
    const embed = (seed: string) => {
      const { recording } = simulate({ machine, seed, machineSeed: 3, seconds: 2, sampleRate });
      return encoder.embed(pickChannel(recording, 0)[0]);
    };
    const fitted = await Promise.all(Array.from({ length: count }, (_, i) => embed(`fit${i}`)));
    const detector = await fitDetector({
      encoder,
      signal: { sampleRate, channel: 0, segmentSeconds: null },
      bands: fitted[0].bands,
      segments: fitted.map(({ vector }, i) => ({
        entry: { file: `${i}`, startSeconds: 0, durationSeconds: 2 },
        vector,
      })),
    });
    const scorer = createScorer(detector);
    for (let i = 0; i < 150; i++) {
      const { anomalous } = await scorer.score([(await embed(`new${i}`)).vector]);
      if (anomalous) alarms++;
      total++;
    }
  }
  expect(alarms / total).toBeLessThan(limit);
});
