// Tones that follow a rotation: harmonic series of an angle, and single tones with one phase per channel.
import type { Clock } from './clock.ts';
import { highestFrequency } from './clock.ts';
import type { Random } from './random.ts';

/** Amplitude and phase (in cycles) of the harmonics 1, 2, 3 … */
export type Series = { amplitudes: number[]; phases: number[] };

/** A series with phases drawn at random. */
export const withPhases = (random: Random, amplitudes: number[]): Series => ({
  amplitudes,
  phases: amplitudes.map(() => random.uniform()),
});

// Sine and cosine of a turn in 4096 steps; second-order steps between them leave an error below 1e-9, and
// cost less than Math.sin and Math.cos, which otherwise dominate a simulation.
const steps = 4096;
const sineTable = Float64Array.from({ length: steps }, (_, k) => Math.sin((2 * Math.PI * k) / steps));
const cosineTable = Float64Array.from({ length: steps }, (_, k) => Math.cos((2 * Math.PI * k) / steps));

const peakFrequency = (cycles: Float64Array, clock: Clock): number => {
  let peak = 0;
  for (let i = 1; i < cycles.length; i++) peak = Math.max(peak, Math.abs(cycles[i] - cycles[i - 1]));
  return peak * clock.sampleRate;
};

/**
 * Adds harmonics of `cycles` (the angle in cycles at every sample) to `out`, times `gain` per sample where given.
 * Harmonics whose frequency plus `margin` Hz (room for sidebands) does not fit below half the rate are left out.
 */
export const addHarmonics = (
  out: Float64Array,
  clock: Clock,
  cycles: Float64Array,
  series: Series,
  { gain, margin = 0 }: { gain?: Float64Array; margin?: number } = {},
): void => {
  const room = Math.floor((highestFrequency(clock) - margin) / Math.max(peakFrequency(cycles, clock), 1e-9));
  const count = Math.max(0, Math.min(series.amplitudes.length, room));
  if (count === 0) return;
  const sines = series.amplitudes.map((a, k) => a * Math.cos(2 * Math.PI * series.phases[k]));
  const cosines = series.amplitudes.map((a, k) => a * Math.sin(2 * Math.PI * series.phases[k]));
  for (let i = 0; i < out.length; i++) {
    const position = (cycles[i] - Math.floor(cycles[i])) * steps;
    const entry = Math.round(position);
    const rest = ((position - entry) * 2 * Math.PI) / steps;
    const cosine = cosineTable[entry & (steps - 1)];
    const sine = sineTable[entry & (steps - 1)];
    const shrink = 1 - 0.5 * rest * rest;
    const stepReal = cosine * shrink - sine * rest;
    const stepImaginary = sine * shrink + cosine * rest;
    let real = 1;
    let imaginary = 0;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      // Powers of e^(j angle): one sine and cosine serve all harmonics.
      const next = real * stepReal - imaginary * stepImaginary;
      imaginary = real * stepImaginary + imaginary * stepReal;
      real = next;
      sum += sines[k] * imaginary + cosines[k] * real;
    }
    out[i] += gain ? sum * gain[i] : sum;
  }
};

/** 1 + harmonics of `cycles`: an amplitude modulator. */
export const modulator = (clock: Clock, cycles: Float64Array, series: Series): Float64Array => {
  const out = new Float64Array(clock.samples).fill(1);
  addHarmonics(out, clock, cycles, series);
  return out;
};

/** A steady tone of `frequency` Hz; left out above half the rate. Time 0 has phase `phase` (cycles) at every rate. */
export const addTone = (
  out: Float64Array,
  clock: Clock,
  { frequency, amplitude, phase }: { frequency: number; amplitude: number; phase: number },
): void => addPhasor([out], clock, (time) => frequency * time, { amplitude, phases: [phase] });

/**
 * Adds one tone to several channels: amplitude x sin(2 pi (cyclesAt(time) + phases[channel])).
 * The angle is evaluated every 2 ms or 64 samples and turned evenly in between; tones above half the rate are left out.
 */
export const addPhasor = (
  channels: Float64Array[],
  clock: Clock,
  cyclesAt: (time: number) => number,
  { amplitude, phases }: { amplitude: number; phases: number[] },
): void => {
  const { sampleRate, samples, start } = clock;
  const mean = Math.abs(cyclesAt(start + samples / sampleRate) - cyclesAt(start)) / (samples / sampleRate);
  if (mean >= highestFrequency(clock) || amplitude === 0) return;
  const block = Math.min(64, Math.max(1, Math.round(0.002 * sampleRate)));
  const sines = phases.map((phase) => amplitude * Math.cos(2 * Math.PI * phase));
  const cosines = phases.map((phase) => amplitude * Math.sin(2 * Math.PI * phase));
  let cycles = cyclesAt(start);
  for (let from = 0; from < samples; from += block) {
    const next = cyclesAt(start + (from + block) / sampleRate);
    const angle = 2 * Math.PI * (cycles - Math.floor(cycles));
    const step = (2 * Math.PI * (next - cycles)) / block;
    const stepReal = Math.cos(step);
    const stepImaginary = Math.sin(step);
    let real = Math.cos(angle);
    let imaginary = Math.sin(angle);
    const to = Math.min(samples, from + block);
    for (let i = from; i < to; i++) {
      for (let c = 0; c < channels.length; c++) channels[c][i] += sines[c] * imaginary + cosines[c] * real;
      const turned = real * stepReal - imaginary * stepImaginary;
      imaginary = real * stepImaginary + imaginary * stepReal;
      real = turned;
    }
    cycles = next;
  }
};

/** A bump of height 1 around `centre` (both in cycles, wrapped) with standard deviation `width`: contact over part of a turn. */
export const angularPulse = (cycles: number, centre: number, width: number): number => {
  const offset = cycles - centre;
  const distance = (offset - Math.round(offset)) / width;
  return Math.abs(distance) > 5 ? 0 : Math.exp(-0.5 * distance * distance);
};
