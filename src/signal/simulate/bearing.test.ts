import { describe, expect, it } from 'vitest';
import { simulate } from './index.ts';
import { envelopeAbove, peakNear, prominence } from './naive-spectrum.test-util.ts';

const sampleRate = 12_000;

/** Envelope of a recording of machine and take `seed`, and the frequencies of its bearing. */
const listen = (fault: string, seed: number, severity = 0.7) => {
  const { recording, truth } = simulate({ machine: 'bearing', fault, severity, seed, machineSeed: seed, seconds: 8 });
  expect(recording.sampleRate).toBe(sampleRate);
  const { shaft, bpfo, bpfi, bsf, ftf } = truth.faultFrequencies;
  return { envelope: envelopeAbove(recording.channels[0], sampleRate, 1000), shaft, bpfo, bpfi, bsf, ftf };
};

// 6 to 90 above the median of the neighbourhood with the defect, at most 3 without, over the machines tried.
const clear = 5;

describe('bearing', () => {
  const machines = [0, 1, 2, 3];
  const normal = machines.map((seed) => listen('normal', seed));

  it.each(machines)('shows each defect at its own rate in the envelope spectrum, machine %i', (seed) => {
    const healthy = normal[seed];
    const lines = { 'outer-race': healthy.bpfo, 'inner-race': healthy.bpfi, ball: 2 * healthy.bsf, cage: healthy.ftf };
    for (const [fault, rate] of Object.entries(lines)) {
      const tolerance = fault === 'cage' ? 0.01 : 0.004;
      const line = prominence(listen(fault, seed).envelope, sampleRate, rate, tolerance);
      expect(line, fault).toBeGreaterThan(clear);
      expect(prominence(healthy.envelope, sampleRate, rate, tolerance), `normal at ${fault}`).toBeLessThan(clear - 1);
    }
  });

  it.each(
    machines,
  )('repeats an outer race defect without modulation, an inner one with the shaft, machine %i', (seed) => {
    const sidebands = (fault: string) => {
      const { envelope, bpfo, bpfi, shaft } = listen(fault, seed);
      const centre = fault === 'inner-race' ? bpfi : bpfo;
      const near = (f: number) => peakNear(envelope, sampleRate, f, 0.004);
      return (near(centre - shaft) + near(centre + shaft)) / 2 / near(centre);
    };
    expect(sidebands('inner-race')).toBeGreaterThan(0.3);
    expect(sidebands('outer-race')).toBeLessThan(0.25);
  });

  it.each(machines)('modulates a ball defect with the cage, machine %i', (seed) => {
    const { envelope, bsf, ftf } = listen('ball', seed, 0.9);
    const around = (f: number) => prominence(envelope, sampleRate, f, 0.004);
    expect(Math.max(around(2 * bsf - ftf), around(2 * bsf + ftf))).toBeGreaterThan(clear);
  });

  it('grows with severity', () => {
    const lines = [0.2, 0.5, 1].map((severity) => {
      const { envelope, bpfo } = listen('outer-race', 5, severity);
      return peakNear(envelope, sampleRate, bpfo);
    });
    expect(lines[1]).toBeGreaterThan(2 * lines[0]);
    expect(lines[2]).toBeGreaterThan(2 * lines[1]);
  });
});
