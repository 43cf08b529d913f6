import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bearingOrders,
  drivenShaft,
  gearMeshFrequency,
  knownBearings,
  loadZone,
  motorSlip,
  polePassFrequency,
  synchronousSpeed,
} from './kinematics.ts';

describe('bearingOrders', () => {
  // CWRU Bearing Data Center, "Bearing information": multiples of running speed; it lists the ball's as 2 x BSF.
  it.each([
    ['SKF 6205-2RS JEM', 3.5848, 5.4152, 4.7135, 0.39828],
    ['SKF 6203-2RS JEM', 3.053, 4.9469, 3.9874, 0.3817],
  ] as const)('has the published multiples of %s', (name, bpfo, bpfi, ball, ftf) => {
    const orders = bearingOrders(knownBearings[name]);
    expect(orders.bpfo).toBeCloseTo(bpfo, 3);
    expect(orders.bpfi).toBeCloseTo(bpfi, 3);
    expect(2 * orders.bsf).toBeCloseTo(ball, 2);
    expect(orders.ftf).toBeCloseTo(ftf, 3);
  });

  // Rates in Hz as the data sets' own papers state them.
  it.each([
    ['NICE (MFPT)', 25, 'bpfo', 81.125],
    ['NICE (MFPT)', 25, 'bpfi', 118.875],
    ['Rexnord ZA-2115', 2000 / 60, 'bpfo', 236.4],
    ['Rexnord ZA-2115', 2000 / 60, 'bpfi', 296.9],
    ['Rexnord ZA-2115', 2000 / 60, 'bsf', 139.9],
    ['LDK UER204', 35, 'bpfo', 107.91],
    ['LDK UER204', 35, 'bpfi', 172.09],
  ] as const)('%s at %d Hz: %s is %d Hz', (name, shaftHz, order, expected) => {
    expect(Math.abs(bearingOrders(knownBearings[name])[order] * shaftHz - expected)).toBeLessThan(0.06);
  });

  it('splits the rollers between the races', () => {
    const geometry = fc.record({
      rollers: fc.integer({ min: 3, max: 40 }),
      ballDiameter: fc.double({ min: 1, max: 20, noNaN: true }),
      pitchDiameter: fc.double({ min: 21, max: 400, noNaN: true }),
      contactAngle: fc.double({ min: 0, max: 45, noNaN: true }),
    });
    fc.assert(
      fc.property(geometry, (bearing) => {
        const { bpfo, bpfi, ftf, bsf } = bearingOrders(bearing);
        expect(bpfo + bpfi).toBeCloseTo(bearing.rollers, 9);
        expect(bpfo).toBeCloseTo(bearing.rollers * ftf, 9);
        expect(ftf < 0.5 && bsf > 0).toBe(true);
      }),
    );
  });

  it('refuses what is no bearing', () => {
    const geometry = { rollers: 9, ballDiameter: 40, pitchDiameter: 39, contactAngle: 0 };
    expect(() => bearingOrders(geometry)).toThrow(/^bearingOrders: expected .* got 9, 40, 39, 0$/);
  });
});

describe('gears and motors', () => {
  it('meshes both wheels at one rate', () => {
    expect(gearMeshFrequency(23, 30)).toBe(690);
    expect(gearMeshFrequency(61, drivenShaft(23, 61, 30))).toBeCloseTo(690, 9);
  });

  it('knows a 4-pole motor at 1450 turns per minute on 50 Hz', () => {
    expect(synchronousSpeed(50, 2)).toBe(25);
    const slip = motorSlip(50, 2, 1450 / 60);
    expect(slip).toBeCloseTo(1 / 30, 9);
    // Number of poles times slip speed in turns per second.
    expect(polePassFrequency(50, slip)).toBeCloseTo((4 * (1500 - 1450)) / 60, 9);
  });

  it('carries the load below the shaft only', () => {
    expect(loadZone(0)).toBe(1);
    expect(loadZone(Math.PI / 3)).toBeCloseTo(0.5 ** 1.5, 12);
    expect(loadZone(Math.PI)).toBe(0);
  });
});
