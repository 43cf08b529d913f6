import { describe, expect, it } from 'vitest';
import { fitDetector } from '../../detection/detector.ts';
import { equalBands, gaussianVector } from '../../detection/synthetic.test-util.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { type EmbeddedLife, fittedRecords, type ScoreLifeOptions, scoreLife } from './score-life.ts';

const encoder = { id: 'synthetic', fingerprint: 'synthetic:1' };
const options: ScoreLifeOptions = { encoder, channel: 0, fitShare: 0.1, leastFitted: 20 };

/** Embeddings that leave their place from record `from` on, by 0.5 a record. */
function driftingLife(records: number, from: number): EmbeddedLife {
  const random = createRandom('drift');
  return {
    bearing: 'Bearing1_1',
    condition: '1',
    ageSeconds: Array.from({ length: records }, (_, i) => 100 * i),
    vectors: Array.from({ length: records }, (_, i) => gaussianVector(random, 8, 1, 0.5 * Math.max(0, i - from))),
    bands: equalBands(4, 8),
    sampleRate: 25600,
  };
}

describe('fittedRecords', () => {
  it.each([
    [281, 28],
    [200, 20],
    [52, 20],
    [21, 20],
  ])('of %s records are %s', (records, expected) => {
    expect(fittedRecords('b', records, options)).toBe(expected);
  });

  it('refuses a life that leaves nothing to score', () => {
    expect(() => fittedRecords('Bearing3_1', 20, options)).toThrow(/more than 20 records of Bearing3_1 .* found 20/);
  });
});

describe('scoreLife', () => {
  it('scores fitted records as the calibration of the detector does', async () => {
    const life = driftingLife(40, 30);
    const { score, fitted, threshold } = await scoreLife(life, options);
    expect(fitted).toBe(20);
    const detector = await fitDetector({
      encoder,
      signal: { sampleRate: 25600, channel: 0, segmentSeconds: null },
      segments: life.vectors.slice(0, 20).map((vector, i) => ({
        entry: { file: `f${i}`, startSeconds: 0, durationSeconds: 0 },
        vector,
      })),
      bands: life.bands,
    });
    expect(threshold).toBe(detector.threshold);
    const sorted = score.slice(0, 20).toSorted((a, b) => a - b);
    for (const [i, value] of sorted.entries()) expect(value).toBeCloseTo(detector.calibration?.scores[i] ?? -1, 9);
  });

  it('rises where the embeddings leave, and not before', async () => {
    const { score, threshold } = await scoreLife(driftingLife(60, 40), options);
    expect(score).toHaveLength(60);
    expect(score.slice(0, 40).filter((value) => value >= threshold).length).toBeLessThanOrEqual(2);
    expect(Math.min(...score.slice(52))).toBeGreaterThan(threshold);
  });

  it('refuses records that are not in order of time', async () => {
    const life = { ...driftingLife(30, 20), ageSeconds: Array.from({ length: 30 }, (_, i) => (i === 7 ? 0 : i)) };
    await expect(scoreLife(life, options)).rejects.toThrow(/order of time, found 0 s after 6 s/);
  });

  it('refuses ages that do not belong to the records', async () => {
    const life = { ...driftingLife(30, 20), ageSeconds: [0, 1] };
    await expect(scoreLife(life, options)).rejects.toThrow(
      /Bearing1_1: expected as many times as values, got 2 and 30/,
    );
  });
});
