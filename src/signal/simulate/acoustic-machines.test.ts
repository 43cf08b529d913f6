// Fan, pump, valve and slide rail: each fault changes what an expert listens for, against the same recording without it.
import { describe, expect, it } from 'vitest';
import type { MachineName } from './index.ts';
import { simulate } from './index.ts';
import { densityOf, envelopeAbove, peakNear, prominence, rms } from './naive-spectrum.test-util.ts';

const sampleRate = 16_000;
const machines = [0, 1, 2, 3];

const listen = (machine: MachineName, fault: string, seed: number, severity = 0.7, seconds = 4) => {
  const options = { machine, severity, seed, machineSeed: seed, seconds, sampleRate };
  const faulty = simulate({ ...options, fault });
  const normal = simulate(options);
  const [x, n] = [faulty.recording.channels[0], normal.recording.channels[0]];
  const f = faulty.truth.faultFrequencies;
  return {
    x,
    n,
    f,
    /** Rise of a line in dB. */
    rise: (frequency: number) =>
      20 * Math.log10(peakNear(x, sampleRate, frequency, 0.006) / peakNear(n, sampleRate, frequency, 0.006)),
    /** Rise of a band in dB. */
    bandRise: (low: number, high: number) =>
      10 * Math.log10(densityOf(x, sampleRate, low, high) / densityOf(n, sampleRate, low, high)),
    /** Rise of a line of the envelope above 2 kHz over its neighbourhood, as a factor. */
    envelopeLine: (frequency: number) =>
      prominence(envelopeAbove(x, sampleRate, 2000), sampleRate, frequency, 0.006) /
      prominence(envelopeAbove(n, sampleRate, 2000), sampleRate, frequency, 0.006),
  };
};

describe('fan', () => {
  it.each(machines)('%i: unbalance raises 1x, and blade passing stays', (seed) => {
    const { rise, f } = listen('fan', 'unbalance', seed);
    expect(rise(f.shaft)).toBeGreaterThan(8);
    expect(Math.abs(rise(f.bladePass))).toBeLessThan(2);
  });

  it.each(machines)('%i: a damaged blade puts sidebands beside blade passing', (seed) => {
    const { rise, f, envelopeLine } = listen('fan', 'blade-damage', seed);
    expect(rise(f.bladePass - f.shaft) + rise(f.bladePass + f.shaft)).toBeGreaterThan(6);
    expect(envelopeLine(f.shaft)).toBeGreaterThan(2.5);
  });

  it.each(machines)('%i: rubbing is friction noise once per turn', (seed) => {
    const { f, bandRise, envelopeLine } = listen('fan', 'rubbing', seed);
    expect(envelopeLine(f.shaft)).toBeGreaterThan(2.5);
    expect(bandRise(2000, 6000)).toBeGreaterThan(2);
  });

  it.each(machines)('%i: a loose mount has half orders', (seed) => {
    const { rise, f } = listen('fan', 'loose-mount', seed);
    for (const k of [3, 5, 7]) expect(rise(k * f.halfOrder)).toBeGreaterThan(8);
  });
});

describe('pump', () => {
  it.each(machines)('%i: cavitation is noise above 2 kHz that follows the vanes', (seed) => {
    const { f, bandRise, envelopeLine } = listen('pump', 'cavitation', seed);
    expect(bandRise(3000, 6500)).toBeGreaterThan(2);
    expect(envelopeLine(f.vanePass)).toBeGreaterThan(2);
  });

  it.each(machines)('%i: a leak hisses steadily and takes pressure', (seed) => {
    const { f, bandRise, envelopeLine, rise } = listen('pump', 'leakage', seed);
    expect(bandRise(3000, 6500)).toBeGreaterThan(4);
    expect(envelopeLine(f.vanePass)).toBeLessThan(2);
    expect(rise(f.vanePass)).toBeLessThan(-0.5);
  });

  it.each(machines)('%i: clogging rumbles and takes the vane tone', (seed) => {
    const { f, bandRise, rise } = listen('pump', 'clogging', seed);
    expect(bandRise(15, 70)).toBeGreaterThan(4);
    expect(rise(f.vanePass)).toBeLessThan(-2);
  });

  it.each(machines)('%i: a worn bearing knocks at the rate of one of its races', (seed) => {
    const { f, envelopeLine } = listen('pump', 'bearing-wear', seed);
    expect(Math.max(envelopeLine(f.bpfo), envelopeLine(f.bpfi))).toBeGreaterThan(3);
  });
});

/** Times at which `signal` first exceeds `threshold` after `pause` seconds below it. */
const onsets = (signal: ArrayLike<number>, threshold: number, pause: number): number[] => {
  const times: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < signal.length; i++) {
    if (Math.abs(signal[i]) < threshold) continue;
    if ((i - last) / sampleRate > pause) times.push(i / sampleRate);
    last = i;
  }
  return times;
};

const peakOf = (signal: Float32Array) => signal.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);

/** Power above `corner` Hz in frames of 20 ms. */
const framesAbove = (signal: Float32Array, corner: number): number[] => {
  const envelope = envelopeAbove(signal, sampleRate, corner);
  const lowest = envelope.reduce((low, value) => Math.min(low, value), 0);
  return Array.from({ length: Math.floor(envelope.length / 320) }, (_, k) =>
    envelope.subarray(k * 320, (k + 1) * 320).reduce((sum, value) => sum + (value - lowest) / 320, 0),
  );
};

const quantile = (values: number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(part * (values.length - 1))];

describe('valve', () => {
  // Little flow, so that every click stands out.
  const take = (fault: string, seed: number, severity: number) =>
    simulate({ machine: 'valve', fault, severity, seed, machineSeed: seed, seconds: 8, load: 0, sampleRate });

  const peaksOf = (signal: Float32Array): number[] =>
    Array.from({ length: Math.floor(signal.length / 160) }, (_, k) => peakOf(signal.subarray(k * 160, (k + 1) * 160)));

  /** Times of the loudest 10 ms within 60 ms to either side, where louder than the flow. */
  const clicksOf = (signal: Float32Array): number[] => {
    const peaks = peaksOf(signal);
    const flow = quantile(peaks, 0.9);
    return peaks.flatMap((peak, k) =>
      peak > 1.6 * flow && peak === Math.max(...peaks.slice(Math.max(0, k - 6), k + 7)) ? [k * 0.01] : [],
    );
  };

  it.each(machines)('%i: clicks twice per cycle', (seed) => {
    const { recording, truth } = take('normal', seed, 0);
    expect(Math.abs(clicksOf(recording.channels[0]).length - 2 * 8 * truth.speedHz)).toBeLessThanOrEqual(2);
  });

  it.each(machines)('%i: a leak hisses where a sound valve is silent', (seed) => {
    const { x, n } = listen('valve', 'leakage', seed, 0.7, 8);
    const quiet = (signal: Float32Array) => quantile(framesAbove(signal, 2500), 0.15);
    expect(quiet(x)).toBeGreaterThan(3 * quiet(n));
    expect(rms(x) / rms(n)).toBeLessThan(1.3);
  });

  it.each(machines)('%i: a sticking valve clicks late and softly', (seed) => {
    const [prompt] = take('normal', seed, 0).recording.channels;
    const [late] = take('sticking', seed, 1).recording.channels;
    // The loudest moment from 10 ms before to 110 ms after each click of the sound valve.
    const moved = clicksOf(prompt).map((time) => {
      const part = late.subarray(Math.round((time - 0.01) * sampleRate), Math.round((time + 0.11) * sampleRate));
      return part.findIndex((value) => Math.abs(value) === peakOf(part)) / sampleRate - 0.01;
    });
    expect(quantile(moved, 0.5)).toBeGreaterThan(0.02);
    expect(quantile(moved, 0.5)).toBeLessThan(0.09);
    expect(peakOf(late)).toBeLessThan(0.75 * peakOf(prompt));
  });

  it.each(machines)('%i: dirt ticks while the medium flows', (seed) => {
    const { x, n } = listen('valve', 'contamination', seed, 0.9, 8);
    const peaks = peaksOf(x.map((value, i) => value - n[i]));
    // Clicks are in less than a twentieth of the frames: what makes the loudest tenth are ticks.
    expect(quantile(peaks, 0.9)).toBeGreaterThan(5 * quantile(peaks, 0.5));
  });
});

describe('slide-rail', () => {
  it.each(machines)('%i: a damaged spot knocks at the same place of every stroke', (seed) => {
    const { x, n, f } = listen('slide-rail', 'rail-damage', seed, 0.9, 10);
    const added = x.map((value, i) => value - n[i]);
    const times = onsets(added, 0.3 * peakOf(added), 0.035);
    // Two rollers per stroke; out and back is one period, so every fifth knock comes two strokes after the first.
    expect(times.length).toBeGreaterThanOrEqual(Math.floor(2 * 10 * f.stroke) - 2);
    for (let k = 0; k + 4 < times.length; k++)
      expect(Math.abs(times[k + 4] - times[k] - 2 / f.stroke)).toBeLessThan(0.006);
  });

  it.each(machines)('%i: a dry rail squeals', (seed) => {
    const { x, n } = listen('slide-rail', 'dry-rail', seed, 0.9);
    const added = x.map((value, i) => value - n[i]);
    const bands = Array.from({ length: 19 }, (_, k) => densityOf(added, sampleRate, 1350 + 100 * k, 1450 + 100 * k));
    const middle = [...bands].sort((a, b) => a - b)[9];
    expect(Math.max(...bands)).toBeGreaterThan(10 * middle);
  });

  it.each(machines)('%i: a loose belt slaps at the ends of the strokes', (seed) => {
    const { x, n, f } = listen('slide-rail', 'loose-belt', seed, 0.9, 10);
    const added = x.map((value, i) => value - n[i]);
    // Above the belt's tones, which a loose belt changes too: one rattle as the carriage starts, one as it stops.
    const high = envelopeAbove(added, sampleRate, 3000);
    const times = onsets(high, 0.08 * quantile(Array.from(high), 0.9999), 0.06);
    expect(Math.abs(times.length / (2 * 10 * f.stroke) - 1)).toBeLessThan(0.25);
  });
});
