// A belt-driven linear slide in front of a microphone: back and forth with ramps, belt and rail heard through the frame.
import type { Clock } from './clock.ts';
import { highestFrequency, mix, silence } from './clock.ts';
import { addHarmonics, addPhasor, withPhases } from './harmonics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { knotsFor, sampled, valueAt, wander } from './modulation.ts';
import { whiteNoise } from './noise.ts';
import type { Random } from './random.ts';
import type { Mode } from './resonance.ts';
import { drawModes, ring, shakingDensity, strike } from './resonance.ts';
import type { Shaft } from './shaft.ts';
import { crossings, integrate, sampleTurns, turnsAt } from './shaft.ts';

type Rail = { length: number; speed: number; ramp: number; dwell: number };

const drawRail = (identity: Random): Rail => {
  const rail = identity.fork('rail');
  return {
    length: rail.uniform(0.3, 0.7),
    speed: rail.uniform(0.5, 1.1),
    ramp: rail.uniform(0.08, 0.2),
    dwell: rail.uniform(0.1, 0.3),
  };
};

// A trapezoid covers length = speed x (duration - ramp).
const strokeSeconds = ({ length, speed, ramp, dwell }: Rail) => length / speed + ramp + dwell;

/** Strokes (one way, pause included) per second. */
const ratedSpeed = (identity: Random) => 1 / strokeSeconds(drawRail(identity));

/** Time in strokes -> speed in m/s: out in even strokes, back in odd ones. */
const speedOf = (rail: Rail, strokes: number): number => {
  const whole = Math.floor(strokes);
  const time = (strokes - whole) * strokeSeconds(rail);
  const moving = rail.length / rail.speed + rail.ramp;
  const share = Math.min(time, moving - time) / rail.ramp;
  return (whole % 2 === 0 ? 1 : -1) * rail.speed * Math.min(1, Math.max(0, share));
};

type Motion = { path: Shaft; starts: number[]; stops: number[] };

const drawMotion = (conditions: Conditions, rail: Rail): Motion => {
  const { clock, take } = conditions;
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(conditions.identity));
  const phase = take.fork('phase').uniform(0, 2);
  const curve = knotsFor(clock, 0.002);
  const seconds = (k: number) => curve.start + k * curve.step;
  // Strokes done at a time; their rate goes evenly from `from` to `to` over the recording.
  const strokesAt = (time: number) => {
    const inside = Math.min(Math.max(time, 0), clock.end);
    return 10 + phase + from * time + ((to - from) * inside * inside) / (2 * clock.end);
  };
  const starts: number[] = [];
  const stops: number[] = [];
  const moving = (rail.length / rail.speed + rail.ramp) / strokeSeconds(rail);
  for (let k = 0; k < curve.values.length; k++) {
    const strokes = strokesAt(seconds(k));
    const rate = (strokesAt(seconds(k + 1)) - strokes) / curve.step;
    curve.values[k] = speedOf(rail, strokes) * rate * strokeSeconds(rail);
    const next = strokes + rate * curve.step;
    if (Math.floor(next) > Math.floor(strokes)) starts.push(seconds(k) + (Math.floor(next) - strokes) / rate);
    if (Math.floor(next - moving) > Math.floor(strokes - moving))
      stops.push(seconds(k) + (Math.floor(next - moving) + moving - strokes) / rate);
  }
  // Where the carriage stands at the first knot: the part of the stroke already done, so that out is 0 and back is length.
  const first = strokesAt(curve.start);
  let done = 0;
  for (let s = Math.floor(first); s < first; s += 0.001) done += speedOf(rail, s) * 0.001 * strokeSeconds(rail);
  return { path: integrate(curve, done + (Math.floor(first) % 2 === 0 ? 0 : rail.length)), starts, stops };
};

// A slack belt slaps when the load on it turns round, and then swings: a low, quickly damped tone.
const looseBelt = ({ clock, take, identity }: Conditions, motion: Motion, modes: Mode[], severity: number) => {
  const random = take.fork('loose belt');
  const force = silence(clock);
  for (const time of [...motion.starts, ...motion.stops])
    for (let k = 0; k < 4; k++) {
      const strength = 0.55 * severity ** 1.2 * random.uniform(0.6, 1.2) * 0.6 ** k;
      strike(force, clock, time + 0.012 + k * random.uniform(0.018, 0.03), strength);
    }
  const frequency = identity.fork('belt swing').uniform(28, 55) * (1 - 0.3 * severity);
  const swing: Mode = { frequency, damping: 0.06, amplitude: 0.12 };
  return ring(force, [...modes, swing], clock);
};

// Each roller of the carriage meets the same spot of the rail in every stroke, out and back.
const railDamage = (
  { clock, take, identity }: Conditions,
  { path }: Motion,
  rail: Rail,
  modes: Mode[],
  severity: number,
) => {
  const random = take.fork('rail damage');
  const spot = rail.length * identity.fork('damage').uniform(0.3, 0.6);
  const spacing = identity.fork('carriage').uniform(0.06, 0.12);
  const force = silence(clock);
  for (const [roller, size] of [
    [0, 1],
    [spacing, 0.8],
  ])
    for (const time of crossings(path, spot + roller)) {
      const strength = 0.75 * severity ** 1.2 * size * (0.5 + 0.5 * Math.min(1, rail.speed));
      strike(force, clock, time, strength * random.uniform(0.75, 1.2));
    }
  return ring(force, modes, clock);
};

// Without lubricant the carriage sticks and slips: a squeal with harmonics near a mode of the rail, in part of the strokes.
const dryRail = ({ clock, take, identity }: Conditions, speed: Float64Array, severity: number): Float64Array => {
  const random = take.fork('dry rail');
  const pitch = identity.fork('squeal').uniform(1400, 3200);
  const drift = integrate(wander(random.fork('drift'), clock, { deviation: 0.012, correlation: 0.08 }));
  const out = silence(clock);
  for (let k = 1; k <= 4 && pitch * k < highestFrequency(clock); k++)
    addPhasor([out], clock, (time) => pitch * k * (time + turnsAt(drift, time)), {
      amplitude: 0.05 * severity * 0.45 ** (k - 1),
      phases: [random.uniform()],
    });
  const mood = wander(random.fork('mood'), clock, { deviation: 1, correlation: 0.15 });
  for (let i = 0; i < out.length; i++) {
    const willing = Math.min(1, Math.max(0, valueAt(mood, clock.start + i / clock.sampleRate) + 2 * severity - 0.6));
    out[i] *= willing * Math.min(1, Math.abs(speed[i]) / 0.25);
  }
  return out;
};

const speedsOf = (path: Shaft, clock: Clock): Float64Array =>
  sampled({ start: path.start, step: path.step, values: path.hz }, clock);

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const rail = drawRail(identity);
  const motion = drawMotion(conditions, rail);
  const position = sampleTurns(motion.path, clock);
  const speed = speedsOf(motion.path, clock);
  const levels = identity.fork('levels');
  const phases = take.fork('phases');
  const loose = amount(conditions, 'loose-belt');
  const damage = amount(conditions, 'rail-damage');
  const dry = amount(conditions, 'dry-rail');
  const modes = drawModes(identity.fork('frame'), {
    band: [180, 12_000],
    count: 9,
    damping: [0.015, 0.05],
    centre: 1500,
  });
  const out = silence(clock);

  // Belt teeth (5 mm pitch) and rollers meet at rates that follow the speed; sound pressure grows with it.
  const loudness = speed.map((v) => (Math.abs(v) / rail.speed) ** 1.5 * (0.6 + 0.4 * load));
  const beltPitch = identity.fork('belt').pick([0.003, 0.005, 0.008]);
  const play = sampled(wander(take.fork('play'), clock, { deviation: 0.25 * loose, correlation: 0.03 }), clock);
  const belt = position.map((x, i) => x / beltPitch + play[i]);
  const teeth = levels.logUniform(0.03, 0.06) * (1 + 0.4 * loose);
  const beltSeries = withPhases(
    phases,
    [1, 0.45, 0.2, 0.1].map((a) => a * teeth),
  );
  addHarmonics(out, clock, belt, beltSeries, { gain: loudness, margin: 10 });
  const rollers = levels.uniform(0.018, 0.03);
  const ripple = position.map((x) => x / rollers);
  const rollerSeries = withPhases(
    phases,
    [1, 0.5, 0.3].map((a) => a * levels.logUniform(0.012, 0.03)),
  );
  addHarmonics(out, clock, ripple, rollerSeries, { gain: loudness });

  // Rolling and sliding shakes the frame; a dry rail does so more roughly.
  const friction = whiteNoise(take.fork('friction'), clock, shakingDensity(modes, levels.logUniform(0.02, 0.035)));
  for (let i = 0; i < friction.length; i++) friction[i] *= loudness[i] * (1 + 0.8 * dry);
  // The drive jerks a little where its acceleration changes.
  const jerks = take.fork('jerks');
  for (const time of [...motion.starts, ...motion.stops]) strike(friction, clock, time, 0.12 * jerks.uniform(0.6, 1.3));
  mix(out, ring(friction, modes, clock));

  if (loose > 0) mix(out, looseBelt(conditions, motion, modes, loose));
  if (damage > 0) mix(out, railDamage(conditions, motion, rail, modes, damage));
  if (dry > 0) mix(out, dryRail(conditions, speed, dry));
  const stroke = ratedSpeed(identity) * meanRelativeSpeed(conditions);
  const beltTooth = (rail.speed * meanRelativeSpeed(conditions)) / beltPitch;
  return { channels: [out], speedHz: stroke, faultFrequencies: { stroke, beltTooth } };
};

/** Belt-driven slide rail; sound pressure in pascal. Speed is the rate of strokes, one way, pause included. */
export const slideRail: Machine = {
  description: 'belt-driven slide rail, microphone',
  faults: ['loose-belt', 'rail-damage', 'dry-rail'],
  unit: 'Pa',
  defaultSampleRate: 16_000,
  sensor: 'microphone',
  moves: 'stroke',
  speedSpread: 0.01,
  speedShift: [0.8, 1.2],
  ratedSpeed,
  run,
};
