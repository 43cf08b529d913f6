// A rolling bearing on a shaft, heard by an accelerometer: impacts of a local defect on the structure's modes.
import type { Clock } from './clock.ts';
import { mix, silence } from './clock.ts';
import { addHarmonics, addTone, modulator, withPhases } from './harmonics.ts';
import type { BearingGeometry, BearingOrders } from './kinematics.ts';
import { bearingOrders, knownBearings, loadZone } from './kinematics.ts';
import type { Conditions, Machine, MachineSignal } from './machine.ts';
import { amount, meanRelativeSpeed } from './machine.ts';
import { sampled, valueAt, wander } from './modulation.ts';
import type { Random } from './random.ts';
import type { Mode } from './resonance.ts';
import { drawModes, ring, shaking, strike } from './resonance.ts';
import type { Shaft } from './shaft.ts';
import { createShaft, meanSpeed, sampleTurns, timeAt, turnsAt } from './shaft.ts';

export type BearingDefect = 'outer-race' | 'inner-race' | 'ball' | 'cage';

/** Impacts of a defect per turn of the shaft. */
const impactOrder = (orders: BearingOrders, defect: BearingDefect): number =>
  ({ 'outer-race': orders.bpfo, 'inner-race': orders.bpfi, ball: 2 * orders.bsf, cage: orders.ftf })[defect];

/** Characteristic frequencies in Hz of a bearing on a shaft of `shaftHz`. */
const bearingFrequencies = (orders: BearingOrders, shaftHz: number) => ({
  shaft: shaftHz,
  bpfo: orders.bpfo * shaftHz,
  bpfi: orders.bpfi * shaftHz,
  bsf: orders.bsf * shaftHz,
  ftf: orders.ftf * shaftHz,
});

type Impact = { time: number; turns: number; count: number; index: number };

// Intervals vary independently by 1 to 1.5 %, as rollers slip in their cage pockets: the train is not quite periodic
// (Randall & Antoni 2011), which smears its higher harmonics as in measured signals.
const impactsOf = (random: Random, clock: Clock, shaft: Shaft, order: number): Impact[] => {
  const slip = random.uniform(0.01, 0.015);
  const impacts: Impact[] = [];
  let turns = shaft.turns[0] + random.uniform() / order;
  for (let index = 0; ; index++) {
    const time = timeAt(shaft, turns);
    if (time > clock.end) return impacts;
    impacts.push({ time, turns, count: turns * order, index });
    turns += (1 + Math.max(-0.9, random.gaussian(0, slip))) / order;
  }
};

/**
 * Adds the impacts of a local defect to a force signal.
 * Outer race: the defect stands still in the load zone. Inner race: it turns with the shaft through the load zone.
 * Ball: it meets inner and outer race in turn, and its pass through the load zone follows the cage. Cage: a rattle once
 * per cage turn. A spall is left with an impact after a softer entry, the two apart by its width over the rolling speed
 * (Sawalhi & Randall 2011, MSSP 25(3)).
 * @param strength first peak of the structure's response to a full impact
 * @param severity sets the width of the spall, 0.3 to 2.8 mm
 */
export const addDefectImpacts = (
  force: Float64Array,
  clock: Clock,
  random: Random,
  {
    shaft,
    geometry,
    defect,
    strength,
    severity,
  }: {
    shaft: Shaft;
    geometry: BearingGeometry;
    defect: BearingDefect;
    strength: number;
    severity: number;
  },
): void => {
  const orders = bearingOrders(geometry);
  const start = random.fork('start');
  const phase = start.uniform();
  const standing = loadZone(start.uniform(-0.7, 0.7));
  const width = 0.3 + 2.5 * severity;
  const tumble = wander(random.fork('tumble'), clock, { deviation: 0.3, correlation: 0.2 });
  const scatter = random.fork('scatter');
  for (const { time, turns, index } of impactsOf(random.fork('slip'), clock, shaft, impactOrder(orders, defect))) {
    const cage = 2 * Math.PI * (orders.ftf * turns + phase);
    // Preload and the rotor's weight leave about a tenth of the load outside the load zone.
    const zone = {
      'outer-race': standing,
      'inner-race': 0.1 + 0.9 * loadZone(2 * Math.PI * (turns + phase)),
      ball: (0.15 + 0.85 * loadZone(cage)) * (index % 2 === 0 ? 1 : 0.75) * Math.max(0.2, 1 + valueAt(tumble, time)),
      cage: 1,
    }[defect];
    const size = strength * zone * Math.max(0.2, 1 + scatter.gaussian(0, 0.12));
    if (defect === 'cage') {
      // A loose pocket lets go of its roller a few times in a row.
      for (let k = 0; k < 3; k++) strike(force, clock, time + k * scatter.uniform(0.0005, 0.003), size * 0.6 ** k);
      continue;
    }
    const shaftHz = (turnsAt(shaft, time + 1e-3) - turnsAt(shaft, time)) / 1e-3;
    const rolling =
      Math.PI * geometry.pitchDiameter * shaftHz * (defect === 'inner-race' ? 1 - orders.ftf : orders.ftf);
    strike(force, clock, time - width / Math.max(rolling, 1), -0.25 * size);
    strike(force, clock, time, size);
  }
};

/** Draws the structure around a bearing: housing, base and bearing modes, 120 Hz to 16 kHz. */
const bearingModes = (identity: Random): Mode[] =>
  drawModes(identity.fork('modes'), { band: [120, 16_000], count: 9, damping: [0.015, 0.05], centre: 3500 });

const ratedSpeed = (identity: Random) => identity.fork('rating').logUniform(20, 50);

const run = (conditions: Conditions): MachineSignal => {
  const { clock, identity, take, load, severity } = conditions;
  const [from, to] = conditions.speed.map((speed) => speed * ratedSpeed(identity));
  const relative = meanRelativeSpeed(conditions);
  const geometry: BearingGeometry = knownBearings[identity.fork('bearing').pick(bearingTypes)];
  const modes = bearingModes(identity);
  const shaft = createShaft(take.fork('shaft'), clock, { from, to, fluctuation: 0.0005 });
  const turns = sampleTurns(shaft, clock);
  const levels = identity.fork('levels');
  const phases = take.fork('phases');

  // Unbalance force grows with the square of speed; alignment and looseness give the rest of the series.
  const unbalance = levels.logUniform(0.012, 0.03) * relative ** 2;
  const out = silence(clock);
  const series = [1, 0.45, 0.2, 0.1, 0.06].map((a) => a * unbalance * levels.logUniform(0.6, 1.6));
  addHarmonics(out, clock, turns, withPhases(phases, series));
  const line = levels.pick([50, 60]);
  addTone(out, clock, { frequency: 2 * line, amplitude: levels.logUniform(0.002, 0.008), phase: phases.uniform() });

  // Rolling contact: random vibration of the structure, breathing with load and once per turn.
  const cage = amount(conditions, 'cage');
  const rms = levels.logUniform(0.04, 0.07) * relative * (0.7 + 0.3 * load);
  const rolling = shaking(take.fork('rolling'), clock, modes, rms);
  const breath = sampled(wander(take.fork('breath'), clock, { deviation: 0.04, correlation: 0.3 }), clock, 1, 0.5);
  const perTurn = modulator(clock, turns, withPhases(phases, [0.03]));
  for (let i = 0; i < breath.length; i++) breath[i] *= perTurn[i];
  if (cage > 0) {
    const cageTurns = turns.map((turn) => turn * bearingOrders(geometry).ftf);
    const sway = modulator(clock, cageTurns, withPhases(take.fork('cage'), [0.35 * cage, 0.15 * cage]));
    for (let i = 0; i < breath.length; i++) breath[i] *= sway[i];
  }
  mix(out, rolling, breath);

  const defect = defects.find((name) => name === conditions.fault);
  if (defect !== undefined && severity > 0) {
    const force = silence(clock);
    const scale = { 'outer-race': 2, 'inner-race': 2.4, ball: 1.6, cage: 1.2 }[defect];
    const strength = scale * severity ** 1.6 * relative * Math.sqrt(0.3 + 0.7 * load);
    addDefectImpacts(force, clock, take.fork(defect), { shaft, geometry, defect, strength, severity });
    mix(out, ring(force, modes, clock));
  }
  const speedHz = meanSpeed(shaft, clock);
  return { channels: [out], speedHz, faultFrequencies: bearingFrequencies(bearingOrders(geometry), speedHz) };
};

const bearingTypes = Object.keys(knownBearings) as (keyof typeof knownBearings)[];
const defects: readonly BearingDefect[] = ['outer-race', 'inner-race', 'ball', 'cage'];

/** Rolling bearing with local defects; acceleration in g. Sources: the works named above, bearings of `knownBearings`. */
export const bearing: Machine = {
  description: 'rolling bearing on a shaft, accelerometer on the housing',
  faults: defects,
  unit: 'g',
  defaultSampleRate: 12_000,
  sensor: 'accelerometer',
  moves: 'shaft',
  speedSpread: 0.008,
  speedShift: [0.75, 1.25],
  ratedSpeed,
  run,
};
