import { describe, expect, it } from 'vitest';
import type { MachineName, SimulateOptions } from './index.ts';
import { machineNames, machines, simulate } from './index.ts';
import { amplitudesAt, densityOf, rms } from './naive-spectrum.test-util.ts';

const everyFault = machineNames.flatMap((machine) =>
  ['normal', ...machines[machine].faults].map((fault): [MachineName, string] => [machine, fault]),
);
const realFaults = everyFault.filter(([, fault]) => fault !== 'normal');
const rates = [1000, 16_000, 44_100, 2_560_000];
/** What a recorder takes at rated conditions without clipping: g, Pa (full scale of an audio file at 16 kHz), A. */
const fullScale: Record<string, number> = { g: 50, Pa: 1, A: 200 };

describe('every machine with every fault', () => {
  it.each(everyFault)('%s, %s: finite and of sensible level at every rate', (machine, fault) => {
    for (const sampleRate of rates) {
      const seconds = sampleRate > 1e5 ? 0.02 : 1.3;
      const { recording, truth } = simulate({ machine, fault, severity: 1, seed: 1, sampleRate, seconds });
      expect(recording.channels.length).toBe(machine === 'motor' ? 3 : 1);
      // Clicks and impacts are sharper, and so higher, where the rate lets all modes through.
      const limit = fullScale[recording.unit ?? ''] * (sampleRate > 16_000 ? 2 : 1);
      for (const channel of recording.channels) {
        expect(channel.length).toBe(Math.round(seconds * sampleRate));
        expect(channel.every(Number.isFinite)).toBe(true);
        expect(rms(channel)).toBeGreaterThan(5e-4);
        expect(channel.every((value) => Math.abs(value) < limit)).toBe(true);
        expect(Math.abs(channel.reduce((sum, value) => sum + value, 0) / channel.length)).toBeLessThan(rms(channel));
      }
      expect(Object.values(truth.faultFrequencies).every((f) => Number.isFinite(f) && f > 0)).toBe(true);
      expect(truth.fault).toBe(fault);
    }
  });

  it.each(realFaults)('%s, %s: severity 0 is the normal recording, severity 0.5 is not', (machine, fault) => {
    const options = { machine, seed: 'a', seconds: 1, machineSeed: 2 };
    const normal = simulate(options).recording.channels;
    expect(simulate({ ...options, fault, severity: 0 }).recording.channels).toEqual(normal);
    expect(simulate({ ...options, fault, severity: 0.5 }).recording.channels).not.toEqual(normal);
  });

  it.each(realFaults)('%s, %s: a mild fault is not given away by its level', (machine, fault) => {
    const levels = (name: string, first: number) =>
      Array.from({ length: 16 }, (_, k) => {
        const take: SimulateOptions = { machine, fault: name, severity: 0.2, seed: first + k, seconds: 1 };
        return rms(simulate(take).recording.channels[0]);
      });
    const normal = levels('normal', 0);
    const faulty = levels(fault, 100);
    // Probability that a faulty recording is louder than a normal one.
    const louder = faulty.flatMap((f) => normal.map((n) => Number(f > n))).reduce((sum, one) => sum + one, 0) / 256;
    expect(louder).toBeGreaterThan(0.1);
    expect(louder).toBeLessThan(0.9);
  });
});

describe('seeds', () => {
  it.each(machineNames)('%s: same seeds, same samples; other seeds, others', (machine) => {
    const options = { machine, seed: 5, machineSeed: 'x', seconds: 0.5 };
    const first = simulate(options);
    expect(simulate(options)).toEqual(first);
    const otherTake = simulate({ ...options, seed: 6 });
    const otherMachine = simulate({ ...options, machineSeed: 'y' });
    expect(otherTake.recording.channels).not.toEqual(first.recording.channels);
    expect(otherMachine.recording.channels).not.toEqual(first.recording.channels);
  });

  it.each(machineNames)('%s: a machine keeps its build from take to take', (machine) => {
    const orders = (seed: number, machineSeed: number) => {
      const { faultFrequencies, speedHz } = simulate({
        machine,
        seed,
        machineSeed,
        seconds: 0.5,
        load: 1,
        speed: 1,
      }).truth;
      return Object.values(faultFrequencies).map((f) => f / speedHz);
    };
    const [first, again] = [orders(1, 7), orders(2, 7)];
    // A motor's slip fluctuates with its load; the rest is geometry.
    again.forEach((order, k) => {
      expect(Math.abs(order / first[k] - 1)).toBeLessThan(machine === 'motor' ? 0.15 : 1e-9);
    });
    expect(simulate({ machine, seed: 1, machineSeed: 8, seconds: 0.5, speed: 1 }).truth.speedHz).not.toBe(
      simulate({ machine, seed: 1, machineSeed: 9, seconds: 0.5, speed: 1 }).truth.speedHz,
    );
  });
});

describe('sampling rates', () => {
  const bands: [number, number][] = [
    [150, 600],
    [600, 2000],
    [2000, 5500],
  ];

  it.each(machineNames)('%s: has the same level in a band at 16, 44.1 and 96 kHz', (machine) => {
    const levels = [16_000, 44_100, 96_000].map((sampleRate) => {
      const [channel] = simulate({ machine, seed: 3, sampleRate, seconds: 1.5 }).recording.channels;
      return bands.map(([low, high]) => 10 * Math.log10(densityOf(channel, sampleRate, low, high)));
    });
    bands.forEach((_, band) => {
      const values = levels.map((level) => level[band]);
      expect(Math.max(...values) - Math.min(...values)).toBeLessThan(4);
    });
  });

  // What the fault adds is free of sampled noise: it must agree line by line.
  it.each([
    ['bearing', 'outer-race'],
    ['gearbox', 'broken-tooth'],
    ['pump', 'cavitation'],
    ['slide-rail', 'rail-damage'],
  ] as const)('%s, %s: adds the same below 6 kHz at 16 and 51.2 kHz', (machine, fault) => {
    const frequencies = Array.from({ length: 400 }, (_, k) => 300 + 14.3 * k);
    const [low, high] = [16_000, 51_200].map((sampleRate) => {
      const options = { machine, seed: 4, sampleRate, seconds: 1.2, severity: 0.8 };
      const [faulty] = simulate({ ...options, fault }).recording.channels;
      const [normal] = simulate(options).recording.channels;
      return amplitudesAt(
        faulty.map((value, i) => value - normal[i]),
        sampleRate,
        frequencies,
      );
    });
    const error = low.reduce((sum, a, k) => sum + (a - high[k]) ** 2, 0);
    const power = high.reduce((sum, a) => sum + a * a, 0);
    expect(10 * Math.log10(error / power)).toBeLessThan(-18);
  });
});

describe('conditions', () => {
  it.each(machineNames)('%s: the target domain differs from the source', (machine) => {
    const at = (domain: 'source' | 'target') => simulate({ machine, seed: 1, machineSeed: 3, seconds: 2, domain });
    const [source, target] = [at('source'), at('target')];
    expect(target.truth.domain).toBe('target');
    expect(source.truth.load - target.truth.load).toBeGreaterThan(0.1);
    const change = Math.abs(target.truth.speedHz / source.truth.speedHz - 1);
    if (machine === 'motor') expect(change).toBeLessThan(0.05);
    else expect(change).toBeGreaterThan(0.03);
    const rate = source.recording.sampleRate;
    const shape = ({ recording }: typeof source) =>
      [
        [100, 400],
        [400, 1200],
        [1200, 4000],
      ].map(([low, high]) => Math.log10(densityOf(recording.channels[0], rate, low, high)));
    const [a, b] = [shape(source), shape(target)];
    expect(Math.max(...a.map((value, k) => Math.abs(value - b[k])))).toBeGreaterThan(0.1);
  });

  it('runs at the speed and load asked for', () => {
    expect(simulate({ machine: 'fan', seed: 1, rpm: 1500, seconds: 2 }).truth.speedHz).toBeCloseTo(25, 0);
    const rated = simulate({ machine: 'fan', seed: 1, speed: 1, seconds: 2 }).truth.speedHz;
    const ramp = simulate({ machine: 'fan', seed: 1, speed: [0.5, 1.5], load: 0.4, seconds: 2 }).truth;
    expect(Math.abs(ramp.speedHz / rated - 1)).toBeLessThan(0.01);
    expect(ramp.load).toBe(0.4);
  });

  it('adds noise at the level asked for', () => {
    const at = (noiseLevel: number) =>
      rms(simulate({ machine: 'bearing', seed: 1, seconds: 2, noiseLevel }).recording.channels[0]);
    const clean = at(100);
    expect(10 * Math.log10((at(-10) / clean) ** 2)).toBeGreaterThan(9);
    expect(10 * Math.log10((at(0) / clean) ** 2)).toBeCloseTo(3, 0);
  });
});

describe('errors', () => {
  const cases: [string, Partial<Record<keyof SimulateOptions, unknown>>, string][] = [
    [
      'machine',
      { machine: 'toaster' },
      'simulate: expected machine bearing, gearbox, motor, fan, pump, valve, slide-rail, got toaster',
    ],
    [
      'fault',
      { fault: 'rubbing' },
      'simulate: expected fault normal, outer-race, inner-race, ball, cage for bearing, got rubbing',
    ],
    ['severity', { fault: 'ball', severity: 2 }, 'simulate: expected severity between 0 and 1, got 2'],
    ['rate', { sampleRate: 500 }, 'simulate: expected sampleRate between 1000 and 2560000 Hz, got 500'],
    ['length', { seconds: 0 }, 'simulate: expected 1 to 134217728 samples, got 0 s at 12000 Hz'],
    ['speed', { speed: 3 }, 'simulate: expected speed between 0.1 and 1.5, got 3'],
    ['load', { load: Number.NaN }, 'simulate: expected load between 0 and 1.5, got NaN'],
    ['speed and rpm', { speed: 1, rpm: 1500 }, 'simulate: expected speed or rpm, got both'],
    [
      'rpm without shaft',
      { machine: 'valve', rpm: 60 },
      'simulate: expected speed for valve, got rpm; it has no shaft',
    ],
    ['domain', { domain: 'moon' }, 'simulate: expected domain source or target, got moon'],
    ['noise', { noiseLevel: 1000 }, 'simulate: expected noiseLevel between -60 and 120 dB, got 1000'],
  ];
  it.each(cases)('%s', (_, wrong, message) => {
    const options = { machine: 'bearing', seed: 1, seconds: 0.1, ...wrong } as SimulateOptions;
    expect(() => simulate(options)).toThrow(message);
  });
});
