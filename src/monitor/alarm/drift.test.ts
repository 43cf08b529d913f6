import { describe, expect, it } from 'vitest';
import { fitDetector } from '../../detection/detector.ts';
import { createScorer } from '../../detection/score.ts';
import { createSpectral, spectralSettings } from '../../encoders/spectral.ts';
import type { Encoder } from '../../encoders/types.ts';
import { simulate } from '../../signal/simulate/index.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createAlarms } from './alarms.ts';
import { inOrder, policyOf, START, usual } from './observations.test-util.ts';
import type { AlarmChange, Observation } from './types.ts';

const HOUR = 3600;
/** A span of 4 hours with a recording every minute. */
const policy = policyOf({ drift: { windowSeconds: 4 * HOUR, deviations: 1.5, jumpShare: 0.5 } });

function run(scores: readonly number[], threshold = 1.6): AlarmChange[] {
  const alarms = createAlarms('pump', policy);
  return inOrder(scores, 60, { threshold }).flatMap((one) => alarms.observe(one));
}
const brief = (changes: readonly AlarmChange[]): string[] => changes.map(({ kind, change }) => `${kind} ${change}`);
const COUNT = 4000;
const seeds = [1, 2, 3];

describe('drift of log-normal scores', () => {
  it.each(seeds)('is not seen where there is none (seed %i)', (seed) => {
    expect(brief(run(usual(createRandom(seed), COUNT)))).toEqual([]);
  });

  it.each(seeds)('is reported as drift while the usual score creeps over the threshold (seed %i)', (seed) => {
    // To twice the usual score in 50 hours: above the threshold of 1.6 for a third of the time.
    const changes = run(usual(createRandom(seed), COUNT, (i) => Math.exp((0.7 * Math.max(0, i - 600)) / 3000)));
    expect(brief(changes)).toEqual(['drift raised']);
    expect(changes[0].reason.text).toMatch(
      /^the usual score has moved from \S+ to \S+, 1\.\d times its spread, slowly/,
    );
    expect(changes[0].sinceMs).toBeLessThan(changes[0].atMs);
  });

  it.each(seeds)('a jump is a fault, and stays one however long it lasts (seed %i)', (seed) => {
    expect(brief(run(usual(createRandom(seed), COUNT, (i) => (i < 1000 ? 1 : 2.2))))).toEqual(['fault raised']);
  });

  it.each(seeds)('a fault on top of drift is told apart from it (seed %i)', (seed) => {
    const wear = (i: number): number => Math.exp(0.6 * Math.min(1, Math.max(0, i - 600) / 2400));
    const changes = run(usual(createRandom(seed), COUNT, (i) => wear(i) * (i < 3500 ? 1 : 2.2)));
    expect(brief(changes)).toEqual(['drift raised', 'fault raised']);
    expect(changes[1].reason.text).toContain('1.6 before its usual score drifted');
    expect(changes[1].reason.threshold).toBeGreaterThan(2);
  });

  it('ends when the machine is as it was', () => {
    const level = (i: number): number => Math.exp(0.6 * Math.max(0, 1 - Math.abs(i - 2500) / 2000));
    const changes = run(usual(createRandom('back'), 5500, level));
    expect(brief(changes)).toEqual(['drift raised', 'drift cleared']);
    expect(changes[1].reason.text).toContain('again');
  });

  it('does not come from a jump that stays below the threshold', () => {
    expect(
      brief(
        run(
          usual(createRandom('step'), COUNT, (i) => (i < 1000 ? 1 : 1.5)),
          3,
        ),
      ),
    ).toEqual([]);
  });

  it('is robust: a tenth of wild scores does not move what is usual', () => {
    const random = createRandom('wild');
    const scores = usual(random, COUNT).map((score) => (random.uniform() < 0.1 ? 1.5 : score));
    expect(brief(run(scores))).toEqual([]);
  });

  it('a fault within a span is raised, as it grows too fast for drift', () => {
    const scores = usual(createRandom('fast'), 2000, (i) => Math.exp((0.9 * Math.max(0, i - 900)) / 180));
    expect(brief(run(scores))[0]).toBe('fault raised');
  });
});

describe('drift of a simulated machine', () => {
  const sampleRate = 8000;
  const encoder: Encoder = createSpectral('spectral', spectralSettings.spectral);
  const sound = (seed: string, fault?: string, severity?: number) =>
    simulate({ machine: 'pump', machineSeed: 4, seed, seconds: 1, sampleRate, fault, severity }).recording;

  it('wear that grows slowly is drift, and a sudden fault is a fault', async () => {
    const normal = await encoder.embedMany(Array.from({ length: 60 }, (_, i) => sound(`bank ${i}`)));
    const detector = await fitDetector({
      encoder: { id: encoder.id, fingerprint: encoder.fingerprint },
      signal: { sampleRate, channel: 0, segmentSeconds: null },
      segments: normal.map(({ vector }, i) => ({
        entry: { file: `normal/${i}.wav`, startSeconds: 0, durationSeconds: 1 },
        vector,
      })),
      bands: normal[0].bands,
    });
    const scorer = createScorer(detector);
    const alarms = createAlarms('pump', {
      ...policy,
      drift: { ...policy.drift, windowSeconds: 32 * 60 },
    });
    const hear = async (i: number, fault?: string, severity?: number): Promise<AlarmChange[]> => {
      const { vector } = await encoder.embed(sound(`day ${i}`, fault, severity));
      const verdict = await scorer.score([vector]);
      const heard: Observation = {
        ...verdict,
        startMs: START + i * 60_000,
        durationSeconds: 1,
        sampleRate,
        constant: false,
        threshold: detector.threshold as number,
        places: [],
        recording: `day ${i}`,
      };
      return alarms.observe(heard);
    };
    const [healthy, worn] = [60, 360];
    const changes: AlarmChange[] = [];
    for (let i = 0; i < worn; i++) {
      const wear = Math.max(0, (i - healthy) / (worn - healthy));
      changes.push(...(await hear(i, wear > 0 ? 'bearing-wear' : undefined, 0.45 * wear)));
    }
    expect(brief(changes)).toEqual(['drift raised']);
    const sudden: AlarmChange[] = [];
    for (let i = worn; i < worn + 6; i++) sudden.push(...(await hear(i, 'cavitation', 0.9)));
    expect(brief(sudden)).toEqual(['fault raised']);
    expect(sudden[0].reason.text).toMatch(/most alike: normal\/\d+\.wav$/);
  });
});
