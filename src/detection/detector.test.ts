import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { thresholdFor } from './calibration.ts';
import {
  type BankEntry,
  bandContributions,
  calibrationFolds,
  defaultSettings,
  fitDetector,
  withThreshold,
} from './detector.ts';
import { distance, type Metric } from './knn.ts';
import { row } from './matrix.ts';
import { createScorer } from './score.ts';
import { equalBands, gaussianVector, syntheticFiles, syntheticFit } from './synthetic.test-util.ts';
import { applyTransform, learnTransform } from './transform.ts';

const entries = (...files: string[]): BankEntry[] =>
  files.map((file, i) => ({ file, startSeconds: i, durationSeconds: 1 }));

describe('calibrationFolds', () => {
  it('holds whole files out where there are at least four', () => {
    expect(calibrationFolds(entries('a', 'a', 'b', 'c', 'b', 'd'))).toEqual([0, 0, 1, 2, 1, 3]);
    expect(calibrationFolds(entries('a', 'a', 'b', 'c'))).toEqual([0, 1, 2, 3]);
  });

  it('makes at most ten folds of neighbours', () => {
    const folds = calibrationFolds(entries(...Array.from({ length: 25 }, (_, i) => `file ${i}`)));
    expect(folds.length).toBe(25);
    expect(new Set(folds).size).toBe(10);
    expect(folds).toEqual([...folds].sort((a, b) => a - b));
    expect(calibrationFolds(entries(...Array(20).fill('one long file')))).toEqual(
      Array.from({ length: 20 }, (_, i) => i >> 1),
    );
  });

  it('gives every fold something, and never splits a file', () => {
    const files = fc.array(fc.integer({ min: 0, max: 15 }).map(String), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(files, (names) => {
        const folds = calibrationFolds(entries(...names));
        const used = [...new Set(folds)].sort((a, b) => a - b);
        expect(used).toEqual(used.map((_, i) => i));
        if (new Set(names).size >= 4) {
          for (const name of names) expect(new Set(folds.filter((_, i) => names[i] === name)).size).toBe(1);
        }
      }),
    );
  });
});

describe('bandContributions', () => {
  it.each(['euclidean', 'cosine'] as const)('adds up to the squared distance (%s)', (metric: Metric) => {
    const random = createRandom(metric);
    for (const columns of [8, 5000]) {
      const [a, b] = [gaussianVector(random, columns), gaussianVector(random, columns)];
      const parts = bandContributions(a, b, equalBands(3, columns), metric);
      const total = parts.reduce((sum, part) => sum + part, 0);
      const wanted = metric === 'cosine' ? 2 * distance(a, b, metric) : distance(a, b, metric) ** 2;
      expect(Math.abs(total - wanted)).toBeLessThan(1e-9 * wanted);
    }
  });

  it('knows where two vectors differ', () => {
    const a = Float32Array.of(1, 2, 3, 4, 5, 6);
    const parts = bandContributions(a, Float32Array.of(1, 2, 3, 4, 5, 9), equalBands(3, 6), 'euclidean');
    expect([...parts]).toEqual([0, 0, 9]);
    const zero = bandContributions(new Float32Array(4), Float32Array.of(3, 0, 0, 4), equalBands(2, 4), 'cosine');
    expect([...zero].map((part) => expect.closeTo(part, 12))).toEqual([0.36, 0.64]);
  });
});

describe('fitDetector', () => {
  it('holds the transform of the scored fold out, too', async () => {
    const segments = syntheticFiles('held out', 6, { columns: 5 });
    const detector = await fitDetector(syntheticFit(segments, { transform: 'standardise' }));
    const vectors = segments.map(({ vector }) => vector);
    const distances = vectors.map((vector, i) => {
      const rest = vectors.filter((_, j) => j !== i);
      const values = Float32Array.from(rest.flatMap((one) => [...one]));
      const transform = learnTransform('standardise', { values, rows: 5, columns: 5 });
      const query = applyTransform(transform, vector);
      return Math.min(...rest.map((one) => distance(query, applyTransform(transform, one), 'euclidean')));
    });
    const sorted = [...distances].sort((a, b) => a - b);
    const scale = (sorted[2] + sorted[3]) / 2;
    expect(detector.scales).toEqual({ '': expect.closeTo(scale, 10) });
    expect([...(detector.calibration?.scores ?? [])]).toEqual(sorted.map((one) => expect.closeTo(one / scale, 10)));
    expect(detector.settings).toEqual({ ...defaultSettings, transform: 'standardise' });
    expect(detector.threshold).toBe(detector.calibration && thresholdFor(detector.calibration, 0.01));
    expect(detector.labelledCalibration).toBeUndefined();
  });

  it('gives every domain its own scale', async () => {
    const dense = syntheticFiles('dense', 12, { domain: 'idle', deviation: 0.1 });
    const wide = syntheticFiles('wide', 12, { domain: 'load', deviation: 2, centre: 40 });
    const settings = { transform: 'none' as const };
    const detector = await fitDetector(syntheticFit([...dense, ...wide], settings));
    const alone = await fitDetector(syntheticFit(dense, settings));
    expect(Object.keys(detector.scales)).toEqual(['idle', 'load']);
    expect(detector.scales.idle).toBe(alone.scales.idle);
    expect(detector.scales.load / detector.scales.idle).toBeGreaterThan(10);
    expect(detector.calibration?.scores).toHaveLength(24);
    const middle = detector.calibration?.scores[12] ?? 0;
    expect(Math.abs(middle - 1)).toBeLessThan(0.2);
  });

  it('takes entries without a label, or with the normal one in any case, for normal', async () => {
    const normal = [...syntheticFiles('a', 4), ...syntheticFiles('b', 4, { label: 'Normal' })];
    const fault = syntheticFiles('c', 4, { label: 'worn', centre: 5 });
    const detector = await fitDetector(syntheticFit([...normal, ...fault], { transform: 'none' }));
    expect(detector.calibration?.scores).toHaveLength(8);
    expect(detector.labelledCalibration?.scores).toHaveLength(8);
    const own = await fitDetector(syntheticFit(fault, { normalLabel: 'WORN' }));
    expect(own.calibration?.scores).toHaveLength(4);
  });

  it('learns the transform from normal recordings alone', async () => {
    const normal = syntheticFiles('normal', 8);
    const faults = syntheticFiles('fault', 8, { label: 'worn', centre: 100 });
    const detector = await fitDetector(syntheticFit([...faults, ...normal]));
    expect(detector.transform).toEqual((await fitDetector(syntheticFit(normal))).transform);
    expect(row(detector.transformed, 3)).toEqual(applyTransform(detector.transform, faults[3].vector));
  });

  it('is finite for recordings that are all the same', async () => {
    const same = Array.from({ length: 5 }, (_, i) => ({
      entry: entries(`${i}`)[0],
      vector: Float32Array.of(1, 2, 3, 4),
    }));
    for (const transform of ['none', 'centre', 'standardise', 'whiten'] as const) {
      const detector = await fitDetector(syntheticFit(same, { transform }));
      const scorer = createScorer(detector);
      expect((await scorer.score([Float32Array.of(1, 2, 3, 4)])).anomalous).toBe(false);
      const verdict = await scorer.score([Float32Array.of(1, 2, 3, 5)]);
      expect([verdict.anomalous, Number.isFinite(verdict.score), verdict.pValue < 1e-3]).toEqual([true, true, true]);
    }
  });
});

describe('false alarms with few normal recordings', () => {
  // A transform learned on the scored recordings too would make their scores too small, and the threshold with them.
  it.each([
    [5, 'standardise'],
    [10, 'standardise'],
    [7, 'whiten'],
    [10, 'none'],
  ] as const)('stay below 10 percent where 5 are asked for: %i of 300 dimensions, %s', async (n, transform) => {
    const columns = 300;
    const repeats = 60;
    let alarms = 0;
    for (let i = 0; i < repeats; i++) {
      const segments = syntheticFiles(`${n} normals, ${i}`, n, { columns });
      const detector = await fitDetector(syntheticFit(segments, { transform, falseAlarmRate: 0.05 }));
      const scorer = createScorer(detector);
      const random = createRandom(`fresh ${n}, ${i}`);
      for (let f = 0; f < 10; f++) if ((await scorer.score([gaussianVector(random, columns)])).anomalous) alarms++;
    }
    const rate = alarms / (10 * repeats);
    expect(rate).toBeLessThan(0.1);
    expect(rate).toBeGreaterThan(0);
  });
});

describe('withThreshold', () => {
  const fitted = fitDetector(syntheticFit(syntheticFiles('threshold', 30)));

  it('changes the rate, or the threshold, and nothing else', async () => {
    const detector = await fitted;
    const before = structuredClone(detector);
    const strict = withThreshold(detector, { falseAlarmRate: 0.001 });
    expect(strict.threshold).toBeGreaterThan(detector.threshold ?? Number.POSITIVE_INFINITY);
    expect(strict).toEqual({
      ...detector,
      settings: { ...detector.settings, falseAlarmRate: 0.001 },
      threshold: strict.threshold,
    });
    expect(withThreshold(detector, { threshold: 3 })).toEqual({ ...detector, threshold: 3 });
    expect(detector).toEqual(before);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a threshold of %f', async (threshold) => {
    const detector = await fitted;
    expect(() => withThreshold(detector, { threshold })).toThrow(InputError);
  });

  it('needs normal recordings', async () => {
    const labelled = await fitDetector(syntheticFit(syntheticFiles('x', 4, { label: 'worn' })));
    expect(() => withThreshold(labelled, { threshold: 1 })).toThrow(
      'withThreshold: this detector has no normal recordings',
    );
  });
});

describe('bad input', () => {
  it.each([
    ['no segment', [], /^fitDetector: expected at least 3 segments, got none$/],
    ['one segment', syntheticFiles('x', 1), /^fitDetector: expected at least 2 normal segments, got 1; give more/],
    ['two segments', syntheticFiles('x', 2), /expected at least 3 normal segments, got 2/],
    [
      'a domain of one segment',
      [...syntheticFiles('x', 5, { domain: 'a' }), ...syntheticFiles('y', 1, { domain: 'b' })],
      /at least 2 normal segments in domain b, got 1/,
    ],
    ['one labelled segment', syntheticFiles('x', 1, { label: 'worn' }), /expected at least 3 .*segments, got 0/],
    [
      'unequal widths',
      [...syntheticFiles('x', 3), ...syntheticFiles('y', 3, { columns: 8 })],
      /different lengths \(16, 8\); the recordings differ in rate or channels/,
    ],
    [
      'values that are not finite',
      [...syntheticFiles('x', 3), { entry: entries('nan')[0], vector: new Float32Array(16).fill(Number.NaN) }],
      /the embedding of nan at 0 s holds values that are not finite/,
    ],
  ])('is refused: %s', async (_, segments, message) => {
    await expect(fitDetector(syntheticFit(segments))).rejects.toThrow(message);
    await expect(fitDetector(syntheticFit(segments))).rejects.toBeInstanceOf(InputError);
  });
});
