import { describe, expect, it } from 'vitest';
import { distributionGeometry, distributionPlot } from './distribution-plot.ts';
import { normalScores, reportFixture, rowFixture } from './report.fixture.ts';

describe('distributionGeometry', () => {
  it('places rows on the side of the threshold that their score says', () => {
    const data = reportFixture();
    const { marks, thresholdX, left, width } = distributionGeometry(data, 1080);
    expect(marks).toHaveLength(14);
    for (const mark of marks) {
      expect(mark.x > thresholdX).toBe(mark.verdict === 'anomalous');
      expect(mark.x).toBeGreaterThan(left);
      expect(mark.x).toBeLessThan(width);
    }
  });

  it('draws all normal scores: bars for many, with equal widths and the tallest for the fullest', () => {
    const { bars, dots } = distributionGeometry(reportFixture(), 1080);
    expect(dots).toEqual([]);
    expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBe(200);
    const fullest = bars.reduce((a, b) => (b.count > a.count ? b : a));
    for (const bar of bars) expect(bar.height / fullest.height).toBeCloseTo(bar.count / fullest.count, 9);
  });

  it('draws few normal scores as dots that do not cover each other', () => {
    const data = reportFixture();
    data.calibration.scores = normalScores(20);
    const { bars, dots } = distributionGeometry(data, 1080);
    expect(bars).toEqual([]);
    expect(dots).toHaveLength(20);
    const apart = dots.every(([x, y], i) => dots.slice(i + 1).every(([x2, y2]) => Math.hypot(x - x2, y - y2) >= 8));
    expect(apart).toBe(true);
  });

  it('survives scores that are all the same', () => {
    const data = reportFixture({ rows: [rowFixture(0, 1, 1)], details: [] });
    data.calibration.scores = new Array<number>(100).fill(1);
    data.calibration.threshold = 1;
    expect(distributionPlot(data, 1080).markup).not.toMatch(/NaN|Infinity/);
  });

  it('leaves failed rows out', () => {
    const data = reportFixture();
    data.rows[0] = { ...data.rows[0], score: Number.NaN, error: 'unreadable' };
    expect(distributionGeometry(data, 1080).marks).toHaveLength(13);
    expect(distributionPlot(data, 1080).markup).not.toContain('NaN');
  });

  it('stays small for ten thousand rows', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => rowFixture(i, 0.5 + (i % 1000) / 500, 1.07));
    expect(distributionPlot(reportFixture({ rows, details: [] }), 1080).markup.length).toBeLessThan(60_000);
  });
});
