// A solenoid valve in front of a microphone: a click to open, flow, a click to close, pause.
import type { Clock } from './clock.ts';
import { mix, silence } from './clock.ts';
import { addTone } from './harmonics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { envelope, randomTimes, sampled, wander } from './modulation.ts';
import { bandNoise } from './noise.ts';
import type { Random } from './random.ts';
import type { Mode } from './resonance.ts';
import { drawModes, ring, soften, strike } from './resonance.ts';
import type { Shaft } from './shaft.ts';
import { createShaft, meanSpeed, timeAt } from './shaft.ts';

/** One actuation: when the coil is switched, when and how hard the plunger lands, how long the flow takes to follow. */
type Stroke = { switched: number; lands: number; strength: number; settles: number; soft: boolean };

/** Opening and closing of one cycle. */
type Cycle = [Stroke, Stroke];

const ratedSpeed = (identity: Random) => identity.fork('rating').logUniform(0.6, 1.6);

const drawCycles = (conditions: Conditions, cycles: Shaft): Cycle[] => {
  const { clock, identity, take } = conditions;
  const build = identity.fork('build');
  const duty = build.uniform(0.35, 0.6);
  const delays = [build.uniform(0.008, 0.02), build.uniform(0.01, 0.025)];
  const strengths = [build.logUniform(0.6, 1.1), build.logUniform(0.45, 0.9)];
  const sticking = amount(conditions, 'sticking');
  const timing = take.fork('timing');
  const fates = take.fork('sticking');
  // No later than a tenth of the cycle, so that a stroke ends before the next begins.
  const latest = Math.min(0.07, 0.1 / Math.max(...cycles.hz));
  const strokeAt = (turn: number, end: number): Stroke => {
    const switched = timeAt(cycles, turn) + timing.gaussian(0, 0.0008);
    const strength = strengths[end] * Math.exp(timing.gaussian(0, 0.08));
    const delay = delays[end] * (1 + timing.gaussian(0, 0.03));
    // A sticking plunger lets go late, moves slowly and lands softly; it does not stick every time.
    const stuck = fates.uniform() < 0.35 + 0.65 * sticking ? sticking * fates.uniform(0.5, 1) : 0;
    return {
      switched,
      lands: switched + delay + latest * stuck,
      strength: strength * (1 - 0.6 * stuck),
      settles: 0.005 + 0.5 * latest * stuck,
      soft: stuck > 0,
    };
  };
  const pairs: Cycle[] = [];
  for (let turn = Math.floor(cycles.turns[0]) - 1; ; turn++) {
    const open = strokeAt(turn, 0);
    if (open.switched > clock.end) return pairs;
    const closing = timeAt(cycles, turn + duty);
    // The last cycle may close after the end of the recording.
    const close = strokeAt(turn + duty, 1);
    pairs.push([open, Number.isFinite(closing) ? close : { ...close, switched: clock.end + 1, lands: clock.end + 1 }]);
  }
};

const clicks = (conditions: Conditions, cycles: Cycle[], modes: Mode[]): Float64Array => {
  const { clock, identity, take } = conditions;
  const dirt = amount(conditions, 'contamination');
  const bounce = identity.fork('bounce').uniform(0.003, 0.008);
  const sharp = silence(clock);
  const soft = silence(clock);
  const landing = take.fork('landing');
  const grit = take.fork('grit');
  for (const cycle of cycles)
    cycle.forEach((stroke, end) => {
      const force = stroke.soft ? soft : sharp;
      // Dirt on the seat cushions the plunger as it closes and lets it rebound unevenly.
      const cushion = end === 1 ? dirt * grit.uniform(0.3, 1) : 0;
      const again = bounce * (1 + landing.gaussian(0, 0.1));
      strike(force, clock, stroke.lands, stroke.strength * (1 - 0.5 * cushion));
      strike(force, clock, stroke.lands + again, stroke.strength * (0.3 + 0.3 * cushion));
      strike(force, clock, stroke.lands + 1.6 * again, stroke.strength * 0.1);
    });
  const out = ring(sharp, modes, clock);
  const sticking = amount(conditions, 'sticking');
  if (sticking > 0) mix(out, ring(soft, soften(modes, 6000 - 4500 * sticking), clock));
  return out;
};

/** 1 between `when` the first stroke of a cycle and the second, 0 outside, with slopes of `settles` seconds. */
const gate = (
  clock: Clock,
  cycles: Cycle[],
  when: (stroke: Stroke) => number,
  settles: (stroke: Stroke) => number,
): Float64Array =>
  envelope(
    clock,
    cycles.flatMap(([open, close]): [number, number][] => [
      [when(open), 0],
      [when(open) + settles(open), 1],
      [when(close), 1],
      [when(close) + settles(close), 0],
    ]),
  );

// Particles in the flow tick against the body, and what lies on the seat lets a different little through in each pause.
const contamination = (
  { clock, take }: Conditions,
  cycles: Cycle[],
  flowing: Float64Array,
  { modes, throat, level, dirt }: { modes: Mode[]; throat: number; level: number; dirt: number },
): Float64Array => {
  const random = take.fork('contamination');
  const grains = silence(clock);
  const rate = 10 + 40 * dirt;
  for (const time of randomTimes(random.fork('times'), clock, rate)) {
    const i = Math.min(flowing.length - 1, Math.max(0, Math.round((time - clock.start) * clock.sampleRate)));
    const size = -Math.log(random.uniform()) * flowing[i];
    strike(grains, clock, time, 0.17 * dirt * size * random.pick([-1, 1]));
  }
  const out = ring(grains, modes, clock);
  const seat = random.fork('seat');
  const gap = envelope(
    clock,
    cycles.flatMap(([open, close]): [number, number][] => [
      [open.lands, 0],
      [close.lands, 0],
      [close.lands + 0.005, seat.uniform(0, 0.6) * dirt],
    ]),
  );
  const through = bandNoise(random.fork('leak'), clock, [1.5 * throat, 6 * throat], level);
  mix(
    out,
    through,
    gap.map((width, i) => width * (1 - flowing[i])),
  );
  return out;
};

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(identity));
  const motion = createShaft(take.fork('cycles'), clock, { from, to, fluctuation: 0 });
  const cycles = drawCycles(conditions, motion);
  const modes = drawModes(identity.fork('body'), {
    band: [350, 14_000],
    count: 9,
    damping: [0.01, 0.04],
    centre: 3000,
  });
  const out = clicks(conditions, cycles, modes);

  const levels = identity.fork('levels');
  const throat = levels.logUniform(500, 1200);
  const level = levels.logUniform(0.015, 0.025) * Math.sqrt(meanRelativeSpeed(conditions)) * (0.5 + 0.5 * load);
  const gusts = sampled(wander(take.fork('gusts'), clock, { deviation: 0.08, correlation: 0.05 }), clock, 1, 0.2);
  const flowing = gate(
    clock,
    cycles,
    (stroke) => stroke.lands,
    (stroke) => stroke.settles,
  );
  const flow = bandNoise(take.fork('flow'), clock, [throat, 5 * throat], level);
  mix(
    out,
    flow,
    flowing.map((open, i) => open * gusts[i]),
  );

  // The coil of an AC valve hums at twice the mains while it is energised.
  const hum = silence(clock);
  const line = levels.pick([50, 60]);
  const phases = take.fork('hum');
  for (const [k, a] of [
    [2, 1],
    [4, 0.5],
    [6, 0.3],
  ]) {
    const amplitude = a * levels.logUniform(0.004, 0.01);
    addTone(hum, clock, { frequency: k * line, amplitude, phase: phases.uniform() });
  }
  mix(
    out,
    hum,
    gate(
      clock,
      cycles,
      (stroke) => stroke.switched,
      () => 0.002,
    ),
  );

  // Through the closed seat a thin jet hisses, higher than the open flow.
  const leakage = amount(conditions, 'leakage');
  if (leakage > 0) {
    const jet = bandNoise(take.fork('jet'), clock, [3 * throat, 9 * throat], 1.2 * leakage * level);
    mix(
      out,
      jet,
      flowing.map((open, i) => (1 - open) * gusts[i]),
    );
  }
  const dirt = amount(conditions, 'contamination');
  if (dirt > 0) mix(out, contamination(conditions, cycles, flowing, { modes, throat, level, dirt }));
  const speedHz = meanSpeed(motion, clock);
  return { channels: [out], speedHz, faultFrequencies: { cycle: speedHz } };
};

/** Solenoid valve; sound pressure in pascal. Speed is the rate of cycles. */
export const valve: Machine = {
  description: 'solenoid valve in a steady cycle, microphone',
  faults: ['leakage', 'sticking', 'contamination'],
  unit: 'Pa',
  defaultSampleRate: 16_000,
  sensor: 'microphone',
  moves: 'cycle',
  speedSpread: 0.01,
  speedShift: [0.8, 1.2],
  ratedSpeed,
  run,
};
