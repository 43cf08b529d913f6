// Noise, rotation, tones and envelopes: the parts every machine is made of.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock, silence } from './clock.ts';
import { addHarmonics, addPhasor, addTone } from './harmonics.ts';
import { envelope, randomTimes, sampled, valueAt, wander } from './modulation.ts';
import { amplitudeAt, densityOf, rms } from './naive-spectrum.test-util.ts';
import { bandNoise, pinkNoise, whiteNoise } from './noise.ts';
import { createRandom } from './random.ts';
import { antiAlias, applySensor, drawSensor } from './sensor.ts';
import { createShaft, crossings, integrate, meanSpeed, sampleTurns, timeAt, turnsAt } from './shaft.ts';

describe('noise', () => {
  it.each([8000, 48_000])('has the density asked for at %d Hz', (sampleRate) => {
    const clock = createClock(sampleRate, 2 * sampleRate);
    const white = whiteNoise(createRandom(1), clock, 0.01);
    expect(Math.abs(Math.log2(densityOf(white, sampleRate, 500, 3000) / 1e-4))).toBeLessThan(0.6);
  });

  it('falls by 3 dB per octave when pink', () => {
    const clock = createClock(32_000, 96_000);
    const pink = pinkNoise(createRandom(2), clock, 1);
    const levels = [60, 240, 960, 3840].map((f) => 10 * Math.log10(densityOf(pink, 32_000, f, 1.5 * f)));
    for (let k = 1; k < levels.length; k++) expect(Math.abs(levels[k - 1] - levels[k] - 6.02)).toBeLessThan(2);
    expect(Math.abs(rms(pink) - 1)).toBeLessThan(0.15);
  });

  it('stays in its band, and is silent where the rate cannot carry it', () => {
    const clock = createClock(16_000, 32_000);
    const noise = bandNoise(createRandom(3), clock, [500, 2000], 1);
    const level = (low: number, high: number) => 10 * Math.log10(densityOf(noise, 16_000, low, high));
    expect(level(900, 1200) - level(60, 90)).toBeGreaterThan(25);
    expect(level(900, 1200) - level(6500, 7500)).toBeGreaterThan(20);
    expect(Math.abs(rms(noise) - 1)).toBeLessThan(0.1);
    expect(rms(bandNoise(createRandom(3), createClock(1000, 1000), [500, 2000], 1))).toBe(0);
  });
});

describe('shaft', () => {
  const clock = createClock(2000, 4000);

  it('turns by the integral of its speed', () => {
    const ramp = createShaft(createRandom(1), clock, { from: 10, to: 30, fluctuation: 0 });
    expect(turnsAt(ramp, 2) - turnsAt(ramp, 0)).toBeCloseTo(40, 3);
    expect(turnsAt(ramp, 1) - turnsAt(ramp, 0)).toBeCloseTo(15, 3);
    expect(meanSpeed(ramp, clock)).toBeCloseTo(20, 3);
  });

  it('is the same rotation at every sampling rate', () => {
    const turns = [2000, 50_000].map((sampleRate) => {
      const c = createClock(sampleRate, 2 * sampleRate);
      const shaft = createShaft(createRandom(9), c, { from: 25, fluctuation: 0.01 });
      return sampleTurns(shaft, c)[c.lead + sampleRate];
    });
    expect(turns[0]).toBeCloseTo(turns[1], 9);
  });

  it('finds the time of an angle', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1.99, noNaN: true }), (seed, time) => {
        const shaft = createShaft(createRandom(seed), clock, { from: 20, to: 35, fluctuation: 0.01 });
        expect(timeAt(shaft, turnsAt(shaft, time))).toBeCloseTo(time, 8);
      }),
    );
    const shaft = createShaft(createRandom(1), clock, { from: 20, fluctuation: 0 });
    expect(timeAt(shaft, 1e6)).toBe(Number.POSITIVE_INFINITY);
  });

  it('finds every passage of a motion back and forth', () => {
    const values = Float64Array.from({ length: 400 }, (_, k) => Math.cos((2 * Math.PI * k) / 100));
    const times = crossings(integrate({ start: 0, step: 0.01, values }), 0.1);
    // The path is sin(2 pi t) / (2 pi): it is at 0.1 m twice per second.
    const first = Math.asin(0.2 * Math.PI) / (2 * Math.PI);
    expect(times.length).toBe(8);
    expect(times[0]).toBeCloseTo(first, 3);
    expect(times[1]).toBeCloseTo(0.5 - first, 3);
  });
});

describe('tones', () => {
  it('equal sums of sines', () => {
    const clock = createClock(8000, 800);
    const cycles = Float64Array.from(silence(clock), (_, i) => 0.013 * i + 0.3 * Math.sin(i / 90));
    const series = { amplitudes: [1, 0.5, 0.25], phases: [0.1, 0.7, 0.3] };
    const out = silence(clock);
    addHarmonics(out, clock, cycles, series);
    const expected = cycles.map((c) =>
      series.amplitudes.reduce((sum, a, k) => sum + a * Math.sin(2 * Math.PI * ((k + 1) * c + series.phases[k])), 0),
    );
    out.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-7);
    });
  });

  it('reach every channel with its own phase', () => {
    const clock = createClock(5000, 1000);
    const channels = [silence(clock), silence(clock)];
    addPhasor(channels, clock, (time) => 50 * time, { amplitude: 2, phases: [0, 0.25] });
    for (const i of [clock.lead, 700, 999]) {
      const angle = 2 * Math.PI * 50 * (clock.start + i / 5000);
      expect(channels[0][i]).toBeCloseTo(2 * Math.sin(angle), 9);
      expect(channels[1][i]).toBeCloseTo(2 * Math.cos(angle), 9);
    }
  });

  it('above half the rate are left out, not folded back', () => {
    const clock = createClock(1000, 1000);
    const out = silence(clock);
    addTone(out, clock, { frequency: 700, amplitude: 1, phase: 0 });
    expect(rms(out)).toBe(0);
    const cycles = Float64Array.from(out, (_, i) => 0.2 * i);
    addHarmonics(out, clock, cycles, { amplitudes: [1, 1, 1, 1], phases: [0, 0, 0, 0] });
    // 200 and 400 Hz remain of 200, 400, 600 and 800.
    expect(rms(out)).toBeCloseTo(1, 2);
  });
});

describe('modulation', () => {
  const clock = createClock(1000, 4000);

  it('wanders with the deviation asked for, alike at every rate', () => {
    const knots = wander(createRandom(4), createClock(1000, 200_000), { deviation: 0.3, correlation: 0.2 });
    expect(Math.abs(rms(knots.values) / 0.3 - 1)).toBeLessThan(0.15);
    const fine = wander(createRandom(4), createClock(96_000, 96_000), { deviation: 0.3, correlation: 0.2 });
    expect(valueAt(fine, 0.4321)).toBe(valueAt(knots, 0.4321));
    expect(sampled(knots, clock, 1, 0.9).every((value) => value >= 0.9)).toBe(true);
  });

  it('draws straight lines between the points of an envelope', () => {
    const curve = envelope(clock, [
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 0],
    ]);
    const at = (time: number) => curve[clock.lead + time * 1000];
    expect([at(0), at(0.25), at(1.5), at(2.75), at(3.9)]).toEqual([0, 0.25, 1, 0.25, 0]);
    expect(curve[0]).toBe(0);
  });

  it('spreads random times at their rate', () => {
    const times = randomTimes(createRandom(5), createClock(1000, 100_000), 20);
    expect(Math.abs(times.length / 2001 - 1)).toBeLessThan(0.1);
    expect(times.every((time, k) => k === 0 || time > times[k - 1])).toBe(true);
  });
});

describe('sensor', () => {
  it.each(['accelerometer', 'microphone', 'current'] as const)('passes the middle of the band: %s', (kind) => {
    const clock = createClock(16_000, 16_000);
    const sensor = { ...drawSensor(createRandom(1), kind), echoes: [], gain: 1 };
    const tone = Float64Array.from(silence(clock), (_, i) => Math.sin((2 * Math.PI * 1000 * i) / 16_000));
    applySensor(tone, clock, sensor);
    antiAlias(tone, clock);
    expect(amplitudeAt(tone.subarray(clock.lead), 16_000, 1000)).toBeCloseTo(1, 1);
  });

  it('echoes at the delays of the room', () => {
    const clock = createClock(10_000, 2000);
    const signal = silence(clock);
    signal[600] = 1;
    applySensor(signal, clock, {
      kind: 'microphone',
      gain: 1,
      low: 0,
      high: 20_000,
      damping: 0.7,
      echoes: [{ delay: 0.01025, gain: 0.5 }],
    });
    expect([signal[600], signal[702], signal[703], signal[704]].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([
      1, 0.25, 0.25, 0,
    ]);
  });
});
