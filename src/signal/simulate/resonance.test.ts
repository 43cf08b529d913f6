import { describe, expect, it } from 'vitest';
import { createClock, silence } from './clock.ts';
import { amplitudeAt, rms } from './naive-spectrum.test-util.ts';
import { createRandom } from './random.ts';
import { drawModes, ring, shaking, strike } from './resonance.ts';

const mode = { frequency: 900, damping: 0.03, amplitude: 1 };

describe('strike and ring', () => {
  it.each([8000, 16_000, 44_100, 200_000])('rings as the damped oscillator does, at %d Hz', (sampleRate) => {
    const clock = createClock(sampleRate, Math.round(0.1 * sampleRate));
    const force = silence(clock);
    const time = 0.0100371;
    strike(force, clock, time, 1);
    const response = ring(force, [mode], clock);
    // Impulse response of a mode's mobility, e^(-zeta w t) cos(w_d t - small), from the first cycle on.
    const omega = 2 * Math.PI * mode.frequency;
    const damped = omega * Math.sqrt(1 - mode.damping ** 2);
    let error = 0;
    let power = 0;
    for (let i = 0; i < response.length; i++) {
      const since = clock.start + i / sampleRate - time;
      if (since < 1 / mode.frequency) continue;
      const decay = Math.exp(-mode.damping * omega * since);
      const expected = decay * (Math.cos(damped * since) - (mode.damping * omega * Math.sin(damped * since)) / damped);
      error += (response[i] - expected) ** 2;
      power += expected ** 2;
    }
    expect(Math.sqrt(error / power)).toBeLessThan(0.03);
  });

  it('keeps the area of an impact between samples and its delay', () => {
    const clock = createClock(1000, 200);
    for (const fraction of [0, 0.01, 0.25, 0.5, 0.77, 0.999]) {
      const force = silence(clock);
      const time = (80 + fraction) / 1000;
      strike(force, clock, time, 2);
      const area = force.reduce((sum, value) => sum + value, 0) / 1000;
      const centre = force.reduce((sum, value, i) => sum + value * (clock.start + i / 1000), 0) / 1000 / area;
      expect(area).toBeCloseTo(2, 1);
      expect(Math.abs(centre - time)).toBeLessThan(5e-5);
    }
  });

  it('ignores impacts outside of the recording and modes above half the rate', () => {
    const clock = createClock(1000, 100);
    const force = silence(clock);
    strike(force, clock, -5, 1);
    strike(force, clock, Number.POSITIVE_INFINITY, 1);
    strike(force, clock, 17, 1);
    expect(rms(force)).toBe(0);
    strike(force, clock, 0.05, 1);
    expect(rms(ring(force, [mode], clock))).toBe(0);
  });

  it('shakes to the level asked for, at any rate that carries all modes', () => {
    const modes = drawModes(createRandom(5), { band: [200, 3000], count: 6, damping: [0.02, 0.05], centre: 900 });
    for (const sampleRate of [16_000, 48_000]) {
      const clock = createClock(sampleRate, 4 * sampleRate);
      const level = rms(shaking(createRandom(6), clock, modes, 0.3));
      expect(Math.abs(level / 0.3 - 1)).toBeLessThan(0.15);
    }
  });

  it('passes no tone but its own frequency', () => {
    const clock = createClock(16_000, 16_000);
    const force = Float64Array.from(silence(clock), (_, i) => Math.sin((2 * Math.PI * 900 * i) / 16_000));
    const response = ring(force, [mode], clock);
    const peak = 1 / (4 * Math.PI * 0.03 * 900);
    expect(amplitudeAt(response.subarray(clock.lead), 16_000, 900) / peak).toBeCloseTo(1, 2);
  });
});
