import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { pValue } from './calibration.ts';
import { type Detector, fitDetector, withThreshold } from './detector.ts';
import { distance } from './knn.ts';
import { row } from './matrix.ts';
import { createScorer } from './score.ts';
import { gaussianVector, syntheticFiles, syntheticFit } from './synthetic.test-util.ts';
import { applyTransform } from './transform.ts';

/** Mean distance to the k nearest rows of the bank, by the definition; `without` is left out. */
function naiveScore(detector: Detector, vector: Float32Array, domain = '', without?: number): number {
  const query = applyTransform(detector.transform, vector);
  const distances = detector.entries
    .flatMap((entry, i) =>
      i !== without && (entry.domain ?? '') === domain
        ? [distance(query, row(detector.transformed, i), detector.settings.metric)]
        : [],
    )
    .sort((a, b) => a - b)
    .slice(0, detector.settings.k);
  return distances.reduce((a, b) => a + b, 0) / distances.length / detector.scales[domain];
}

type Shape = { deviation: number; centre: number };
const standard: Shape = { deviation: 1, centre: 0 };

/** A normal vector of 16 values with `by` added to those of one of the four bands. */
const withAnomaly = (seed: string, band: number, by: number, { deviation, centre } = standard): Float32Array =>
  gaussianVector(createRandom(seed), 16, deviation, centre).map((value, d) => (d >> 2 === band ? value + by : value));

const kinds = [
  { settings: { metric: 'euclidean', transform: 'none', k: 1 }, shape: standard, by: 12 },
  { settings: { metric: 'euclidean', transform: 'standardise', k: 3 }, shape: standard, by: 12 },
  { settings: { metric: 'euclidean', transform: 'whiten', k: 1 }, shape: standard, by: 12 },
  { settings: { metric: 'cosine', transform: 'none', k: 2 }, shape: { deviation: 0.3, centre: 5 }, by: 4 },
] as const;

describe.each(kinds)('a scorer, $settings', ({ settings, shape, by }) => {
  const segments = syntheticFiles('normal', 40, shape);
  const fitted = fitDetector(syntheticFit(segments, settings));

  it('gives the mean distance to the nearest normal segments, in units of the usual one', async () => {
    const detector = await fitted;
    const scorer = createScorer(detector);
    const random = createRandom('fresh');
    const scores: number[] = [];
    for (let i = 0; i < 60; i++) {
      const vector = gaussianVector(random, 16, shape.deviation, shape.centre);
      const { score } = await scorer.score([vector]);
      expect(Math.abs(score - naiveScore(detector, vector))).toBeLessThan(1e-9);
      scores.push(score);
    }
    const median = scores.sort((a, b) => a - b)[30];
    expect(median).toBeGreaterThan(0.85);
    expect(median).toBeLessThan(1.15);
  });

  it('explains an anomaly in one band by that band', async () => {
    const scorer = createScorer(await fitted);
    for (let band = 0; band < 4; band++) {
      const verdict = await scorer.score([withAnomaly(`band ${band}`, band, by, shape)]);
      expect(verdict.anomalous).toBe(true);
      const shares = verdict.bands.map(({ share }) => share);
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      expect(shares.indexOf(Math.max(...shares))).toBe(band);
      expect(shares[band]).toBeGreaterThan(0.5);
      const deviations = verdict.bands.map((one) => one.deviations);
      expect(deviations.indexOf(Math.max(...deviations))).toBe(band);
      expect(deviations[band]).toBeGreaterThan(3);
      expect(verdict.bands[band]).toMatchObject({ lowHz: 1000 * band, highHz: 1000 * (band + 1) });
    }
  });

  it('gives a segment of the bank its leave-one-out score', async () => {
    const detector = await fitted;
    const scorer = createScorer(detector);
    for (const [i, { vector }] of segments.entries()) {
      const { score, nearest } = await scorer.score([vector]);
      expect(Math.abs(score - naiveScore(detector, vector, '', i))).toBeLessThan(1e-9);
      expect(nearest.file).not.toBe(`normal${i}`);
    }
  });

  it('has a p-value and a verdict that belong to the score', async () => {
    const detector = await fitted;
    const scorer = createScorer(detector);
    const sizes = fc.double({ min: 0, max: by, noNaN: true });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(3), fc.nat(), async (size, band, seed) => {
        const vector = withAnomaly(`${seed}`, band, size, shape);
        const { score, pValue: p, anomalous, segments: scored } = await scorer.score([vector]);
        expect(detector.calibration && pValue(detector.calibration, score)).toBe(p);
        expect(anomalous).toBe(score >= (detector.threshold ?? Number.NaN));
        expect(anomalous).toBe(p <= detector.settings.falseAlarmRate);
        expect(scored.map((one) => one.score)).toEqual([score]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('several segments', () => {
  const normal = syntheticFiles('several', 30, { segmentsPerFile: 2 });
  const random = createRandom('several asked');
  const asked = [gaussianVector(random, 16), withAnomaly('one bad segment', 2, 3.5), gaussianVector(random, 16)];

  it('are averaged', async () => {
    const detector = await fitDetector(syntheticFit(normal, { transform: 'none' }));
    const { score, segments, pValue: p, nearest } = await createScorer(detector).score(asked);
    const alone = asked.map((vector) => naiveScore(detector, vector));
    expect(segments.map((one) => one.score)).toEqual(alone.map((one) => expect.closeTo(one, 9)));
    expect(score).toBeCloseTo((alone[0] + alone[1] + alone[2]) / 3, 9);
    expect(detector.calibration && pValue(detector.calibration, score)).toBe(p);
    expect(nearest).toBe(segments[1].nearest);
  });

  it('count by the highest, which has as many chances as there are segments', async () => {
    const settings = { transform: 'none' as const, aggregation: 'max' as const };
    const detector = await fitDetector(syntheticFit(normal, settings));
    const { score, pValue: p } = await createScorer(detector).score(asked);
    expect(score).toBeCloseTo(naiveScore(detector, asked[1]), 9);
    const single = detector.calibration ? pValue(detector.calibration, score) : Number.NaN;
    expect(p).toBeCloseTo(1 - (1 - single) ** 3, 12);
    expect((await createScorer(detector).score([asked[1]])).pValue).toBeCloseTo(single, 12);
    // Between the rates at which one segment and three raise an alarm, only the segment alone does.
    const between = withThreshold(detector, { falseAlarmRate: (single + p) / 2 });
    expect((await createScorer(between).score([asked[1]])).anomalous).toBe(true);
    expect((await createScorer(between).score(asked)).anomalous).toBe(false);
  });

  it.each(['mean', 'max'] as const)('obey a threshold set by hand (%s)', async (aggregation) => {
    const detector = await fitDetector(syntheticFit(normal, { transform: 'none', aggregation }));
    const { score } = await createScorer(detector).score(asked);
    for (const [threshold, anomalous] of [
      [score * 0.999, true],
      [score, true],
      [score * 1.001, false],
    ] as const) {
      const changed = withThreshold(detector, { threshold });
      expect((await createScorer(changed).score(asked)).anomalous).toBe(anomalous);
    }
  });
});

describe('domains', () => {
  const dense = syntheticFiles('dense', 20, { domain: 'idle', deviation: 0.1 });
  const wide = syntheticFiles('wide', 20, { domain: 'load', deviation: 2, centre: 40 });
  const fitted = fitDetector(syntheticFit([...dense, ...wide], { transform: 'none' }));

  it('have their own unit, and the nearest in its unit counts', async () => {
    const detector = await fitted;
    const scorer = createScorer(detector);
    const random = createRandom('domains');
    for (const [domain, deviation, centre] of [
      ['idle', 0.1, 0],
      ['load', 2, 40],
    ] as const) {
      for (let i = 0; i < 10; i++) {
        const vector = gaussianVector(random, 16, deviation, centre);
        const { score, nearest, anomalous } = await scorer.score([vector]);
        expect(score).toBeCloseTo(
          Math.min(naiveScore(detector, vector, 'idle'), naiveScore(detector, vector, 'load')),
          9,
        );
        expect([nearest.domain, anomalous]).toEqual([domain, false]);
      }
      // What is usual for the wide domain is far out for the dense one.
      const off = gaussianVector(random, 16, 2, centre === 0 ? 0 : 40);
      expect((await scorer.score([off])).anomalous).toBe(domain === 'idle');
    }
  });
});

describe('bad input', () => {
  const fitted = fitDetector(syntheticFit(syntheticFiles('bad', 5)));

  it('is refused', async () => {
    const scorer = createScorer(await fitted);
    await expect(scorer.score([])).rejects.toThrow('score: expected at least one segment, got none');
    await expect(scorer.score([new Float32Array(15)])).rejects.toThrow('expected embeddings of 16 values, got 15');
    await expect(scorer.score([new Float32Array(16).fill(Number.NaN)])).rejects.toThrow('not finite');
    await expect(scorer.score([new Float32Array(15)])).rejects.toBeInstanceOf(InputError);
    const labelled = await fitDetector(syntheticFit(syntheticFiles('x', 4, { label: 'worn' })));
    expect(() => createScorer(labelled)).toThrow(/without normal recordings; use diagnose/);
  });
});
