import { describe, expect, it } from 'vitest';
import { formatDuration, progressLine, recentPace } from './progress.ts';

describe('progressLine', () => {
  it('says all there is to say', () => {
    const line = progressLine({
      step: 1200,
      steps: 10_000,
      losses: { loss: 0.4821, frameLoss: 0.31 },
      learningRate: 4.8e-4,
      clipsPerSecond: 35.24,
      secondsPerStep: 0.85,
    });
    expect(line).toBe(
      'step 1,200 of 10,000, loss 0.482, frameLoss 0.310, learning rate 4.80e-4, 35.2 clips/s, 2 h 4 min left',
    );
  });

  it('leaves out what is not known yet', () => {
    expect(progressLine({ step: 0, steps: 1, losses: {}, learningRate: 0 })).toBe('step 0 of 1, learning rate 0.00');
  });

  it.each([
    [999.4, '999'],
    [999.7, '1,000'],
    [12_345.6, '12,346'],
    [2e6, '2.00e+6'],
    [-0.25, '-0.250'],
  ])('writes a loss of %d as %s', (loss, text) => {
    expect(progressLine({ step: 1, steps: 2, losses: { loss }, learningRate: 1 })).toContain(`loss ${text},`);
  });
});

describe('formatDuration', () => {
  it.each([
    [0.2, '0 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
    [3600 * 28 + 59, '1 d 4 h'],
    [-5, '0 s'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('recentPace', () => {
  it('looks at the last 100 lines only', () => {
    const lines = Array.from({ length: 300 }, (_, i) => ({
      step: 10 * i,
      seconds: i < 200 ? 50 * i : 10_000 + 20 * i,
    }));
    expect(recentPace(lines)).toBe(2);
  });

  it('is undefined for fewer than two lines with a time', () => {
    expect(recentPace([])).toBeUndefined();
    expect(recentPace([{ step: 1, seconds: 1 }, { step: 2 }])).toBeUndefined();
  });
});
