import { describe, expect, it } from 'vitest';
import { curveGeometry, curvePlot, thinLine } from './curve-plot.ts';
import { curveFixture } from './report.fixture.ts';

describe('curvePlot', () => {
  it('maps the ends of life to the ends of the axis and higher scores upwards', () => {
    const curve = curveFixture(100);
    const { x, y, left, right } = curveGeometry(curve, 1080);
    expect(x(curve.x[0])).toBe(left);
    expect(x(curve.x[99])).toBeCloseTo(right, 9);
    expect(y.log).toBe(true);
    expect(y.position(100)).toBeLessThan(y.position(1));
  });

  it('marks the first alarm at its place', () => {
    const curve = { ...curveFixture(100), firstAlarm: 3.85 };
    const x = curveGeometry(curve, 1080).x(3.85);
    const { markup } = curvePlot(curve, 1080, 'c');
    expect(markup).toContain(`<path class="alarm" d="M${Math.round(x * 10) / 10} `);
    expect(markup).toContain('first alarm at 3.85');
    expect(curvePlot({ ...curve, firstAlarm: undefined }, 1080, 'c').markup).not.toContain('class="alarm"');
  });

  it('draws a single point', () => {
    const curve = { x: [4], xLabel: 'days', score: [1.2], threshold: 1, notes: [] };
    expect(curvePlot(curve, 400, 'c').markup).not.toMatch(/NaN|Infinity/);
  });
});

describe('thinLine', () => {
  it('keeps both ends of every stretch, in order, and all of a short line', () => {
    const points = Array.from({ length: 1000 }, (_, i): [number, number] => [i, Math.sin(i)]);
    points[503][1] = 99;
    points[777][1] = -99;
    const thin = thinLine(points, 200);
    expect(thin.length).toBeLessThanOrEqual(200);
    expect(thin).toContainEqual([503, 99]);
    expect(thin).toContainEqual([777, -99]);
    expect(thin.every(([x], i) => i === 0 || x > thin[i - 1][0])).toBe(true);
    expect(thinLine(points, 1000)).toEqual(points);
  });
});
