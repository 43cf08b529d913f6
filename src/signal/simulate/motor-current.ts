// Stator currents of a three-phase induction motor, as motor current signature analysis sees them.
import { silence } from './clock.ts';
import { addPhasor } from './harmonics.ts';
import { motorSlip, polePassFrequency } from './kinematics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount } from './machine.ts';
import { decibels } from './modulation.ts';
import type { Random } from './random.ts';
import { createShaft, meanSpeed, turnsAt } from './shaft.ts';

type Rating = {
  line: number;
  polePairs: number;
  ratedSlip: number;
  ratedCurrent: number;
  rotorBars: number;
};

const drawRating = (identity: Random): Rating => {
  const rating = identity.fork('rating');
  return {
    line: rating.pick([50, 60]),
    polePairs: rating.integer(1, 3),
    ratedSlip: rating.uniform(0.02, 0.045),
    ratedCurrent: rating.logUniform(3, 30),
    rotorBars: rating.pick([28, 32, 40, 44]),
  };
};

// Slip grows about linearly with torque; windage and friction remain at no load.
const slipAt = ({ ratedSlip }: Rating, load: number) => ratedSlip * (0.08 + 0.92 * load);

/** A component of all three currents: `supply` times the supply angle plus `turns` times the rotor's turns. */
type Component = {
  supply: number;
  turns: number;
  amplitude: number;
  /** In cycles. */
  phase: number;
  /** Order in which the phases follow: 1 positive, -1 negative, 0 together. */
  sequence: number;
};

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load } = conditions;
  const rating = drawRating(identity);
  const { line, polePairs, ratedCurrent, rotorBars } = rating;
  const nominalSlip = slipAt(rating, load);
  const hz = conditions.speed.map((speed) => speed * line);
  const supply = createShaft(take.fork('supply'), clock, { from: hz[0], to: hz[1], fluctuation: 0.0002 });
  const [from, to] = hz.map((frequency) => ((1 - nominalSlip) * frequency) / polePairs);
  const rotor = createShaft(take.fork('rotor'), clock, { from, to, fluctuation: 0.0006 * Math.min(1, load + 0.1) });
  const supplyHz = meanSpeed(supply, clock);
  const speedHz = meanSpeed(rotor, clock);
  const slip = motorSlip(supplyHz, polePairs, speedHz);

  const levels = identity.fork('levels');
  const phases = take.fork('phases');
  // Magnetising current at right angles to the load current.
  const magnetising = levels.uniform(0.3, 0.45);
  const main = Math.SQRT2 * ratedCurrent * Math.hypot(magnetising, 0.92 * load);
  const components: Component[] = [];
  const add = (order: number, turns: number, amplitude: number, sequence = 1, phase = phases.uniform()) =>
    components.push({ supply: order, turns, amplitude: amplitude * main, phase, sequence });

  add(1, 0, 1, 1, 0);
  // Supply distortion: orders 6k-1 turn against the field, 6k+1 with it; multiples of three cannot flow in three wires
  // and appear only as far as the supply is unbalanced.
  for (const [order, level] of [
    [5, 0.018],
    [7, 0.011],
    [11, 0.006],
    [13, 0.004],
    [17, 0.002],
    [19, 0.0015],
  ])
    add(order, 0, level * levels.logUniform(0.5, 2), order % 6 === 1 ? 1 : -1);

  const short = amount(conditions, 'stator-short');
  const shorted = identity.fork('shorted phase').integer(0, 2);
  // A short between turns is an asymmetric stator: a negative-sequence current in phase with the main one in the shorted
  // phase; the torque then pulsates at 2 f, and the speed ripple puts a component at 3 f (Thomson & Fenger 2001, IEEE Ind.
  // Appl. Mag. 7(4); Benbouzid 2000, IEEE Trans. Ind. Electron. 47(5), section on stator faults).
  add(1, 0, levels.logUniform(0.002, 0.006), -1);
  add(1, 0, 0.09 * short, -1, (-2 * shorted) / 3);
  add(3, 0, levels.logUniform(0.001, 0.003));
  add(3, 0, 0.025 * short);

  const broken = amount(conditions, 'broken-bar');
  // (1 - 2ks) f from the asymmetric rotor, (1 + 2ks) f from the speed ripple it causes. Healthy rotors lie 55 to 65 dB
  // below the main line, broken bars show from about -45 dB on (Benbouzid 2000; Thomson & Fenger 2001).
  const asymmetry = decibels(-levels.uniform(56, 64));
  const barLevel = asymmetry * (0.4 + 0.6 * load) * decibels(27 * broken ** 0.7);
  for (const [k, level] of [
    [1, 1],
    [2, 0.25 + 0.1 * broken],
  ]) {
    // (1 - 2ks) f is 2k times the rotor's electrical angle minus (2k - 1) times the supply's.
    add(1 - 2 * k, 2 * k * polePairs, barLevel * level);
    add(1 + 2 * k, -2 * k * polePairs, barLevel * level * 0.7);
  }

  const eccentric = amount(conditions, 'eccentricity');
  // Mixed eccentricity: f +- k times the rotor's rate; and, around the slot harmonics, R fr +- f.
  const gap = decibels(-levels.uniform(58, 66)) * decibels(28 * eccentric ** 0.7);
  for (const [k, level] of [
    [1, 1],
    [2, 0.3],
  ])
    for (const sign of [-1, 1]) add(1, sign * k, gap * level);
  for (const order of [-1, 1]) add(order, rotorBars, decibels(-levels.uniform(50, 58)));
  for (const sign of [-1, 1]) add(1, rotorBars + sign, 0.5 * gap);

  const channels = [0, 1, 2].map(() => silence(clock));
  for (const { supply: order, turns, amplitude, phase, sequence } of components) {
    const cyclesAt = (time: number) => order * turnsAt(supply, time) + turns * turnsAt(rotor, time);
    addPhasor(channels, clock, cyclesAt, { amplitude, phases: [0, 1, 2].map((c) => phase - (sequence * c) / 3) });
  }
  const pass = polePassFrequency(supplyHz, slip);
  return {
    channels,
    speedHz,
    faultFrequencies: {
      supply: supplyHz,
      polePass: pass,
      brokenBarLower: supplyHz - pass,
      brokenBarUpper: supplyHz + pass,
      eccentricityLower: Math.abs(supplyHz - speedHz),
      eccentricityUpper: supplyHz + speedHz,
      thirdHarmonic: 3 * supplyHz,
    },
  };
};

/**
 * Three-phase induction motor; three currents in ampere. At relative speed 1 it runs on the mains (50 or 60 Hz), at other
 * speeds on a converter of that frequency whose switching ripple is filtered out.
 */
export const motorCurrent: Machine = {
  description: 'three-phase induction motor, current clamps on the three phases',
  faults: ['broken-bar', 'stator-short', 'eccentricity'],
  unit: 'A',
  defaultSampleRate: 10_000,
  sensor: 'current',
  moves: 'shaft',
  speedSpread: 0.0003,
  speedShift: [1, 1],
  ratedSpeed: (identity, load) => {
    const rating = drawRating(identity);
    return ((1 - slipAt(rating, load)) * rating.line) / rating.polePairs;
  },
  run,
};
