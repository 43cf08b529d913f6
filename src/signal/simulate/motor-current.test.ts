import { describe, expect, it } from 'vitest';
import { simulate } from './index.ts';
import { amplitudeAt, peakNear, rms } from './naive-spectrum.test-util.ts';

const listen = (fault: string, seed: number, { severity = 0.6, load = 1 } = {}) => {
  const { recording, truth } = simulate({ machine: 'motor', fault, severity, load, seed, machineSeed: seed });
  const { channels, sampleRate } = recording;
  const frequencies = truth.faultFrequencies;
  const main = peakNear(channels[0], sampleRate, frequencies.supply, 0.001);
  /** Level in dB below the main line. */
  const level = (frequency: number) => 20 * Math.log10(peakNear(channels[0], sampleRate, frequency, 0.002) / main);
  return { channels, sampleRate, frequencies, level };
};

/** Negative over positive sequence of three currents, from their phasors at `frequency` (one-second plain sums). */
const unbalance = (channels: Float32Array[], sampleRate: number, frequency: number): number => {
  const third = (2 * Math.PI) / 3;
  const sequence = (sign: number) => {
    let real = 0;
    let imaginary = 0;
    const samples = Math.round((Math.round(frequency) / frequency) * sampleRate);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < samples; i++) {
        const angle = (-2 * Math.PI * frequency * i) / sampleRate + sign * third * c;
        real += channels[c][i] * Math.cos(angle);
        imaginary += channels[c][i] * Math.sin(angle);
      }
    return Math.hypot(real, imaginary);
  };
  return sequence(-1) / sequence(1);
};

const machines = [0, 1, 2, 3];

describe('motor', () => {
  it.each(machines)('draws three currents a third of a period apart, machine %i', (seed) => {
    const { channels, sampleRate, frequencies } = listen('normal', seed);
    expect(channels.length).toBe(3);
    expect(unbalance(channels, sampleRate, frequencies.supply)).toBeLessThan(0.012);
    const levels = channels.map((channel) => rms(channel));
    expect(Math.max(...levels) / Math.min(...levels)).toBeLessThan(1.05);
  });

  it.each(machines)('has lines at (1 - 2s) f and (1 + 2s) f with a broken bar, machine %i', (seed) => {
    const { level, frequencies } = listen('broken-bar', seed);
    const { brokenBarLower, brokenBarUpper, polePass, supply } = frequencies;
    // Thomson & Fenger 2001: above about -45 dB bars are broken, below -54 dB the cage is sound.
    expect(level(brokenBarLower)).toBeGreaterThan(-46);
    expect(level(brokenBarUpper)).toBeGreaterThan(-50);
    expect(level(supply - 1.5 * polePass)).toBeLessThan(-65);
    const sound = listen('normal', seed);
    expect(sound.level(brokenBarLower)).toBeLessThan(-53);
    // The slip that the truth states is that of the shaft: 2 s f from the speed.
    expect(polePass).toBeGreaterThan(1.5);
    expect(supply - brokenBarLower).toBeCloseTo(polePass, 9);
  });

  it('moves the sidebands with the load and weakens them', () => {
    const full = listen('broken-bar', 1);
    const half = listen('broken-bar', 1, { load: 0.5 });
    expect(half.frequencies.polePass / full.frequencies.polePass).toBeCloseTo(0.54, 1);
    expect(half.level(half.frequencies.brokenBarLower)).toBeLessThan(full.level(full.frequencies.brokenBarLower) - 1);
  });

  it.each(machines)('unbalances the phases and raises 3 f with a stator short, machine %i', (seed) => {
    const short = listen('stator-short', seed);
    expect(unbalance(short.channels, short.sampleRate, short.frequencies.supply)).toBeGreaterThan(0.04);
    const normal = listen('normal', seed);
    expect(short.level(short.frequencies.thirdHarmonic)).toBeGreaterThan(
      normal.level(short.frequencies.thirdHarmonic) + 8,
    );
  });

  it.each(machines)('has lines at f - fr and f + fr when eccentric, machine %i', (seed) => {
    const { level, frequencies } = listen('eccentricity', seed);
    const normal = listen('normal', seed);
    for (const line of [frequencies.eccentricityLower, frequencies.eccentricityUpper])
      expect(level(line)).toBeGreaterThan(normal.level(line) + 10);
  });

  it('turns at the speed asked for and draws the frequency that takes', () => {
    const { recording, truth } = simulate({ machine: 'motor', seed: 1, rpm: 900, load: 0.8, machineSeed: 3 });
    expect(truth.speedHz * 60).toBeCloseTo(900, 0);
    const { supply } = truth.faultFrequencies;
    expect(amplitudeAt(recording.channels[0], 10_000, supply)).toBeGreaterThan(1);
  });
});
