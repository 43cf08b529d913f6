// What stands between machine and file: accelerometer, microphone in a room, or current clamp; and the background they hear.
import type { Clock } from './clock.ts';
import { highestFrequency, mix, silence } from './clock.ts';
import { highPass, lowPass, oscillatorLowPass } from './filters.ts';
import { addTone } from './harmonics.ts';
import { decibels, sampled, wander } from './modulation.ts';
import { pinkNoise, whiteNoise } from './noise.ts';
import type { Random } from './random.ts';

export type SensorKind = 'accelerometer' | 'microphone' | 'current';

type Echo = { delay: number; gain: number };

/** Response of one mounted sensor. Corners in Hz, damping of the resonance, echoes in seconds. */
export type Sensor = {
  kind: SensorKind;
  gain: number;
  low: number;
  high: number;
  damping: number;
  echoes: Echo[];
};

/**
 * Draws a sensor. Accelerometers: AC coupling and a mounted resonance at 28-45 kHz. Microphones: a high-pass at
 * 15-40 Hz, a capsule that falls off above 15-20 kHz, and early reflections of the room. Current clamps: gain error and
 * a low-pass at 15-60 kHz.
 */
export const drawSensor = (random: Random, kind: SensorKind): Sensor => {
  if (kind === 'accelerometer')
    return {
      kind,
      gain: decibels(random.gaussian(0, 1)),
      low: random.uniform(0.5, 2),
      high: random.uniform(28_000, 45_000),
      damping: random.uniform(0.02, 0.05),
      echoes: [],
    };
  if (kind === 'current')
    return {
      kind,
      gain: decibels(random.gaussian(0, 0.05)),
      low: 0,
      high: random.logUniform(15_000, 60_000),
      damping: 0.7,
      echoes: [],
    };
  const echoes = Array.from({ length: 5 }, (_, k) => ({
    delay: random.uniform(0.002, 0.008) * (k + 1),
    gain: random.pick([-1, 1]) * random.uniform(0.1, 0.35) * 0.75 ** k,
  }));
  return {
    kind,
    gain: decibels(random.gaussian(0, 1.5)),
    low: random.uniform(15, 40),
    high: random.uniform(15_000, 20_000),
    damping: 0.7,
    echoes,
  };
};

const addEchoes = (signal: Float64Array, clock: Clock, echoes: Echo[]): void => {
  const direct = signal.slice();
  for (const { delay, gain } of echoes) {
    const samples = delay * clock.sampleRate;
    const whole = Math.floor(samples);
    const fraction = samples - whole;
    for (let i = whole + 1; i < signal.length; i++)
      signal[i] += gain * ((1 - fraction) * direct[i - whole] + fraction * direct[i - whole - 1]);
  }
};

/** Passes a signal through the sensor, in place. A resonance above half the rate is left out: the band below is flat. */
export const applySensor = (signal: Float64Array, clock: Clock, sensor: Sensor): void => {
  if (sensor.echoes.length > 0) addEchoes(signal, clock, sensor.echoes);
  if (sensor.low > 0) highPass(signal, clock, sensor.low);
  if (sensor.high < highestFrequency(clock)) oscillatorLowPass(signal, clock, sensor.high, sensor.damping);
  for (let i = 0; i < signal.length; i++) signal[i] *= sensor.gain;
};

/** Anti-alias filter of the recorder: fourth-order Butterworth at 0.43 of the rate, in place. */
export const antiAlias = (signal: Float64Array, clock: Clock): void => {
  lowPass(signal, clock, 0.43 * clock.sampleRate, 0.5412);
  lowPass(signal, clock, 0.43 * clock.sampleRate, 1.3066);
};

/**
 * The background one sensor hears: electronic noise, and for a microphone the hall around it (pink noise that comes and
 * goes, a few tones of neighbouring machines). `place` is the site and stays; `take` is one recording.
 * Levels in the sensor's unit: g, Pa or A.
 */
export const background = (place: Random, take: Random, clock: Clock, kind: SensorKind): Float64Array => {
  if (kind === 'current') return whiteNoise(take, clock, place.logUniform(1e-4, 3e-4));
  if (kind === 'accelerometer') {
    const out = whiteNoise(take, clock, place.logUniform(4e-5, 1.2e-4));
    mix(out, pinkNoise(take.fork('hall'), clock, place.logUniform(0.001, 0.003)));
    return out;
  }
  const out = silence(clock);
  const level = place.logUniform(0.006, 0.014) * decibels(take.gaussian(0, 1.5));
  mix(
    out,
    pinkNoise(take.fork('hall'), clock, level),
    sampled(wander(take.fork('comes and goes'), clock, { deviation: 0.15, correlation: 0.7 }), clock, 1, 0.3),
  );
  for (let k = 0; k < 4; k++) {
    const frequency = place.logUniform(60, 2500) * (1 + take.gaussian(0, 0.002));
    addTone(out, clock, { frequency, amplitude: level * place.logUniform(0.05, 0.4), phase: take.uniform() });
  }
  mix(out, whiteNoise(take.fork('capsule'), clock, 4e-6));
  return out;
};
