import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { type MachineName, machineNames, machines } from '../../signal/simulate/index.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { simulateClip } from './simulated-clip.ts';

const source = { kind: 'simulator', weight: 1 } as const;
const clips = Array.from({ length: 400 }, (_, seed) => simulateClip(source, 0.02, createRandom(seed)));
const truths = clips.map(({ truth }) => truth!);

describe('simulateClip', () => {
  it('makes the same clip from the same random numbers, and another from others', () => {
    const make = (seed: number) => simulateClip(source, 0.1, createRandom(seed));
    expect(make(4)).toEqual(make(4));
    expect(make(4)).not.toEqual(make(5));
    expect(new Set(truths.map(({ machineSeed }) => machineSeed)).size).toBe(400);
  });

  it('makes finite clips of the length asked for, in arrays of their own', () => {
    for (const { samples, sampleRate } of clips) {
      expect(samples.length).toBe(Math.round(0.02 * sampleRate));
      expect(samples.buffer.byteLength).toBe(4 * samples.length);
      expect(samples.every(Number.isFinite)).toBe(true);
      expect(samples.some((value) => value !== samples[0])).toBe(true);
    }
  });

  it('draws machines, faults, rates and states from all there are', () => {
    expect(new Set(truths.map(({ machine }) => machine))).toEqual(new Set(machineNames));
    expect(new Set(clips.map(({ sampleRate }) => sampleRate))).toEqual(new Set([8000, 12_000, 16_000, 25_600, 48_000]));
    const faulty = truths.filter(({ fault }) => fault !== 'normal');
    expect(faulty.length / 400).toBeGreaterThan(0.42);
    expect(faulty.length / 400).toBeLessThan(0.58);
    for (const { machine, fault, severity } of faulty) {
      expect(machines[machine as MachineName].faults).toContain(fault);
      expect(severity).toBeGreaterThanOrEqual(0.05);
      expect(severity).toBeLessThanOrEqual(1);
    }
    expect(faulty.filter(({ severity }) => severity < 0.2).length / faulty.length).toBeGreaterThan(0.3);
    for (const { fault, severity, speed, load } of truths) {
      if (fault === 'normal') expect(severity).toBe(0);
      expect(speed > 0.6 && speed < 1.3 && load > 0.2 && load < 1.2).toBe(true);
    }
  });

  it('keeps to the machines and rates it is given', () => {
    const some = { ...source, machines: ['fan', 'motor'], sampleRates: [4000] } as const;
    const made = Array.from({ length: 30 }, (_, seed) => simulateClip(some, 0.02, createRandom(seed)));
    expect(new Set(made.map(({ truth }) => truth?.machine))).toEqual(new Set(['fan', 'motor']));
    expect(new Set(made.map(({ sampleRate }) => sampleRate))).toEqual(new Set([4000]));
    const slow = { ...source, sampleRates: [10] };
    expect(() => simulateClip(slow, 1, createRandom(1))).toThrow(InputError);
  });
});
