// An industrial fan in front of a microphone: blade passing tones over flow noise.
import { mix, silence } from './clock.ts';
import { addHarmonics, addTone, angularPulse, modulator, withPhases } from './harmonics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { sampled, valueAt, wander } from './modulation.ts';
import { bandNoise, whiteNoise } from './noise.ts';
import type { Random } from './random.ts';
import type { Mode } from './resonance.ts';
import { drawModes, ring, shaking, shakingDensity, strike } from './resonance.ts';
import { createShaft, meanSpeed, sampleTurns, timeAt } from './shaft.ts';

const ratedSpeed = (identity: Random) => identity.fork('rating').logUniform(18, 49);

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(identity));
  const relative = meanRelativeSpeed(conditions);
  const blades = identity.fork('blades').integer(5, 11);
  const levels = identity.fork('levels');
  const phases = take.fork('phases');
  const shaft = createShaft(take.fork('shaft'), clock, { from, to, fluctuation: 0.002 });
  const speedHz = meanSpeed(shaft, clock);
  const turns = sampleTurns(shaft, clock);
  const unbalance = amount(conditions, 'unbalance');
  const damage = amount(conditions, 'blade-damage');
  const rub = amount(conditions, 'rubbing');
  const loose = amount(conditions, 'loose-mount');
  const out = silence(clock);

  // Sound pressure of a fan grows with speed to the power 2.5 (50 log n, the usual fan sound law).
  const law = relative ** 2.5;
  const blade = levels.logUniform(0.02, 0.045) * law * (0.7 + 0.3 * load);
  const bladeSeries = [1, 0.5, 0.28, 0.15, 0.08].map((a) => a * blade * levels.logUniform(0.6, 1.6));
  // Inflow turbulence makes the tones breathe; no two blades are quite alike, so faint sidebands stand at the shaft rate.
  const wake = sampled(wander(take.fork('inflow'), clock, { deviation: 0.12, correlation: 0.08 }), clock, 1, 0.2);
  const uneven = modulator(
    clock,
    turns,
    withPhases(phases, [0.03 + 0.3 * damage + 0.06 * unbalance, 0.02 + 0.2 * damage]),
  );
  for (let i = 0; i < wake.length; i++) wake[i] *= uneven[i];
  const angle = turns.map((turn) => turn * blades);
  addHarmonics(out, clock, angle, withPhases(phases, bladeSeries), { gain: wake, margin: 2 * speedHz });

  // Flow noise: broad, with the duct's resonances on top; one bad blade modulates it once per turn.
  const flowLevel = levels.logUniform(0.03, 0.05) * law;
  const flow = bandNoise(take.fork('flow'), clock, [70, levels.logUniform(1200, 3000)], flowLevel);
  const duct = drawModes(identity.fork('duct'), { band: [180, 6000], count: 7, damping: [0.04, 0.12], centre: 900 });
  mix(flow, shaking(take.fork('duct'), clock, duct, 0.6 * flowLevel));
  const depth = [0.02 + 0.35 * damage + 0.1 * unbalance, 0.01 + 0.12 * damage];
  const swirl = modulator(clock, turns, withPhases(phases, depth));
  const gusts = sampled(wander(take.fork('gusts'), clock, { deviation: 0.07, correlation: 0.15 }), clock, 1, 0.3);
  for (let i = 0; i < swirl.length; i++) swirl[i] = Math.max(0.05, swirl[i]) * gusts[i];
  mix(out, flow, swirl);

  // What the casing radiates of the rotor's force. A damaged blade also excites every order of the shaft.
  const rotor = levels.logUniform(0.006, 0.012) * relative ** 2;
  const orders = Array.from({ length: 3 * blades }, (_, k) => {
    const own = k === 0 ? 1 + 7 * unbalance : 0.5 / (k + 1) ** 1.3 + (k === 1 ? 0.6 * unbalance : 0);
    return rotor * levels.logUniform(0.6, 1.6) * (own + (k === 0 ? 2 : 0.9) * damage);
  });
  addHarmonics(out, clock, turns, withPhases(phases, orders));
  const line = levels.pick([50, 60]);
  addTone(out, clock, { frequency: 2 * line, amplitude: levels.logUniform(0.004, 0.012), phase: phases.uniform() });

  const casing = drawModes(identity.fork('casing'), {
    band: [250, 7500],
    count: 7,
    damping: [0.01, 0.03],
    centre: 2500,
  });
  if (rub > 0) mix(out, rubbing(conditions, turns, { modes: casing, level: 0.065 * rub ** 1.3 * law }));
  if (loose > 0) {
    // A foot that lifts off clips the motion: many orders, and half orders once it lands only every other turn.
    const halves = turns.map((turn) => turn / 2);
    const series = Array.from({ length: 16 }, (_, k) => (rotor * loose * (k % 2 === 1 ? 6 : 3)) / (1 + k / 5));
    const play = take.fork('loose');
    addHarmonics(out, clock, halves, withPhases(play, series));
    const force = silence(clock);
    for (let turn = Math.ceil(shaft.turns[0]), first = play.uniform(); ; turn++) {
      const time = timeAt(shaft, turn + first + play.gaussian(0, 0.03));
      if (time > clock.end) break;
      strike(force, clock, time, 0.3 * loose ** 1.3 * relative ** 2 * play.uniform(0.2, 1));
    }
    mix(out, ring(force, casing, clock));
  }
  return {
    channels: [out],
    speedHz,
    faultFrequencies: { shaft: speedHz, bladePass: blades * speedHz, halfOrder: speedHz / 2 },
  };
};

// The wheel touches its inlet ring over part of a turn: friction noise of the casing, coming and going as the ring heats.
const rubbing = (
  { clock, take, identity }: Conditions,
  turns: Float64Array,
  { modes, level }: { modes: Mode[]; level: number },
): Float64Array => {
  const random = take.fork('rubbing');
  const friction = whiteNoise(random, clock, shakingDensity(modes, level));
  const width = identity.fork('rubbing').uniform(0.04, 0.1);
  const centre = random.fork('centre').uniform();
  const contact = wander(random.fork('contact'), clock, { deviation: 0.35, correlation: 0.4 });
  for (let i = 0; i < friction.length; i++) {
    const touch = angularPulse(turns[i], centre, width);
    const pressure = Math.max(0.1, 1 + valueAt(contact, clock.start + i / clock.sampleRate));
    friction[i] *= touch === 0 ? 0 : touch * pressure * 2;
  }
  return ring(friction, modes, clock);
};

/** Fan with 5 to 11 blades; sound pressure in pascal. */
export const fan: Machine = {
  description: 'industrial fan, microphone',
  faults: ['unbalance', 'blade-damage', 'rubbing', 'loose-mount'],
  unit: 'Pa',
  defaultSampleRate: 16_000,
  sensor: 'microphone',
  moves: 'shaft',
  speedSpread: 0.01,
  speedShift: [0.8, 1.2],
  ratedSpeed,
  run,
};
