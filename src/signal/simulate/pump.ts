// A centrifugal pump in front of a microphone: vane passing tones, flow noise, and what cavitation and leaks add.

import { addDefectImpacts } from './bearing.ts';
import { mix, silence } from './clock.ts';
import { addHarmonics, addTone, modulator, withPhases } from './harmonics.ts';
import { bearingOrders, knownBearings } from './kinematics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { decibels, randomTimes, sampled, valueAt, wander } from './modulation.ts';
import { bandNoise } from './noise.ts';
import type { Random } from './random.ts';
import { drawModes, ring, shaking, strike } from './resonance.ts';
import type { Shaft } from './shaft.ts';
import { createShaft, meanSpeed, sampleTurns, turnsAt } from './shaft.ts';

const ratedSpeed = (identity: Random) => identity.fork('rating').uniform(23, 49.5);

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const clogging = amount(conditions, 'clogging');
  const leakage = amount(conditions, 'leakage');
  const cavitation = amount(conditions, 'cavitation');
  const wear = amount(conditions, 'bearing-wear');
  // A clogged pump moves less water and takes less torque, so its motor slips a little less.
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(identity) * (1 + 0.006 * clogging));
  const relative = meanRelativeSpeed(conditions);
  const vanes = identity.fork('vanes').integer(5, 7);
  const levels = identity.fork('levels');
  const phases = take.fork('phases');
  const shaft = createShaft(take.fork('shaft'), clock, { from, to, fluctuation: 0.0012 });
  const speedHz = meanSpeed(shaft, clock);
  const turns = sampleTurns(shaft, clock);
  const out = silence(clock);

  // Pressure pulsation at the tongue, falling with less flow through the impeller.
  const vane = levels.logUniform(0.015, 0.035) * relative ** 2 * (0.6 + 0.4 * load);
  const flowLoss = (1 - 0.55 * clogging) * decibels(-2.5 * leakage);
  const series = [1, 0.55, 0.3, 0.18, 0.1, 0.06].map((a) => a * vane * flowLoss * levels.logUniform(0.6, 1.6));
  const surge = sampled(wander(take.fork('surge'), clock, { deviation: 0.06, correlation: 0.1 }), clock, 1, 0.2);
  const recirculation = wander(take.fork('recirculation'), clock, { deviation: 0.45 * clogging, correlation: 0.12 });
  const unsteady = sampled(recirculation, clock, 1, 0.15);
  const uneven = modulator(clock, turns, withPhases(phases, [0.05, 0.02]));
  const gain = surge.map((value, i) => value * uneven[i] * unsteady[i]);
  const angle = turns.map((turn) => turn * vanes);
  addHarmonics(out, clock, angle, withPhases(phases, series), { gain, margin: 2 * speedHz });
  const rotor = levels.logUniform(0.006, 0.015) * relative ** 2;
  addHarmonics(
    out,
    clock,
    turns,
    withPhases(
      phases,
      [1, 0.6, 0.3, 0.2].map((a) => a * rotor),
    ),
  );
  const line = levels.pick([50, 60]);
  for (const [k, a] of [
    [2, 1],
    [4, 0.4],
    [6, 0.2],
  ])
    addTone(out, clock, {
      frequency: k * line,
      amplitude: a * levels.logUniform(0.004, 0.01),
      phase: phases.uniform(),
    });

  // Flow and bearings through the casing, and the motor's cooling fan.
  const casing = drawModes(identity.fork('casing'), {
    band: [200, 14_000],
    count: 9,
    damping: [0.015, 0.05],
    centre: 2000,
  });
  const flow = shaking(
    take.fork('flow'),
    clock,
    casing,
    levels.logUniform(0.02, 0.035) * relative ** 1.5 * (1 + 0.5 * wear),
  );
  mix(out, flow, gain);
  mix(out, bandNoise(take.fork('cooling'), clock, [150, 2500], levels.logUniform(0.01, 0.02) * relative ** 2));

  // Recirculation at low flow: a rumble far below the vane rate.
  if (clogging > 0) mix(out, bandNoise(take.fork('rumble'), clock, [12, 140], 0.045 * clogging * relative), unsteady);
  // A jet through a narrow gap hisses at high frequency, steadily.
  if (leakage > 0) {
    const jet = identity.fork('jet').logUniform(1500, 3000);
    const spray = wander(take.fork('spray'), clock, { deviation: 0.12, correlation: 0.02 });
    mix(out, bandNoise(take.fork('jet'), clock, [jet, 3.5 * jet], 0.05 * leakage), sampled(spray, clock, 1, 0.2));
  }
  if (cavitation > 0) mix(out, collapses(conditions, shaft, vanes, cavitation));
  const geometry = knownBearings[identity.fork('bearing').pick(['SKF 6205-2RS JEM', 'SKF 6203-2RS JEM'] as const)];
  if (wear > 0) {
    const force = silence(clock);
    const defect = identity.fork('worn race').pick(['outer-race', 'inner-race'] as const);
    const strength = 0.45 * wear ** 1.4 * relative;
    addDefectImpacts(force, clock, take.fork('wear'), { shaft, geometry, defect, strength, severity: wear });
    mix(out, ring(force, casing, clock));
  }
  const orders = bearingOrders(geometry);
  return {
    channels: [out],
    speedHz,
    faultFrequencies: {
      shaft: speedHz,
      vanePass: vanes * speedHz,
      bpfo: orders.bpfo * speedHz,
      bpfi: orders.bpfi * speedHz,
    },
  };
};

/**
 * Cavitation: bubbles collapse at random times, most of them when a vane passes the tongue and more on one side of the
 * impeller, so broadband bursts at 1 to 18 kHz are modulated at vane and shaft rate (Cudina 2003, "Detection of cavitation
 * phenomenon in a centrifugal pump using audible sound", MSSP 17; Brennen, "Hydrodynamics of Pumps", ch. 6).
 */
const collapses = (
  { clock, identity, take }: Conditions,
  shaft: Shaft,
  vanes: number,
  severity: number,
): Float64Array => {
  const random = take.fork('cavitation');
  const modes = drawModes(identity.fork('bubbles'), {
    band: [900, 18_000],
    count: 8,
    damping: [0.03, 0.1],
    centre: 6000,
  });
  const cloud = wander(random.fork('cloud'), clock, { deviation: 0.3, correlation: 0.05 });

  const rate = 300 + 2200 * severity;
  const [vanePhase, shaftPhase] = [random.uniform(), random.uniform()];
  const force = silence(clock);
  const draws = random.fork('collapses');
  for (const time of randomTimes(random.fork('times'), clock, rate)) {
    const angle = turnsAt(shaft, time);
    const passing = 0.5 + 0.5 * Math.cos(2 * Math.PI * (vanes * angle + vanePhase));
    const side = 1 + 0.5 * Math.cos(2 * Math.PI * (angle + shaftPhase));

    // Collapse strengths are spread widely: few are loud.
    const size =
      -Math.log(draws.uniform()) * (0.25 + 0.75 * passing * passing) * side * Math.max(0.1, 1 + valueAt(cloud, time));
    strike(force, clock, time, 0.15 * severity ** 0.8 * size * draws.pick([-1, 1]));
  }
  return ring(force, modes, clock);
};

/** Centrifugal pump with 5 to 7 vanes; sound pressure in pascal. */
export const pump: Machine = {
  description: 'centrifugal pump, microphone',
  faults: ['cavitation', 'leakage', 'clogging', 'bearing-wear'],
  unit: 'Pa',
  defaultSampleRate: 16_000,
  sensor: 'microphone',
  moves: 'shaft',
  speedSpread: 0.008,
  speedShift: [0.8, 1.2],
  ratedSpeed,
  run,
};
