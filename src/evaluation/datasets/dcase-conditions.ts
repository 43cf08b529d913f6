// Operating conditions of the machines of DCASE Task 2: the values their names give, and the speed and load these stand for.
import { createRandom, type Random } from '../../signal/simulate/random.ts';
import type { Domain } from '../dcase/names.ts';

type Parameter = { name: string; source: readonly string[]; target: readonly string[] };

/** Conditions as the names give them; those of machines not listed are invented. */
const PARAMETERS: Readonly<Record<string, Parameter>> = {
  ToyCar: { name: 'car', source: ['A1_spd_28V_mic_1', 'B1_spd_31V_mic_1'], target: ['C1_spd_40V_mic_2'] },
  bearing: { name: 'vel', source: ['6', '10', '14'], target: ['2', '24'] },
  fan: { name: 'm-n', source: ['W', 'X'], target: ['Y', 'Z'] },
  slider: { name: 'vel', source: ['300', '500'], target: ['400'] },
  valve: { name: 'pat', source: ['00', '01'], target: ['02'] },
};
const OTHER: Parameter = { name: 'spd', source: ['1', '2'], target: ['3'] };

const parameterOf = (machine: string): Parameter => PARAMETERS[machine] ?? OTHER;

/** Relative to the rated ones: what the conditions of a machine are spread over. */
const SPEEDS = [0.75, 1.25] as const;
const LOADS = [0.45, 1] as const;

/** From one recording to the next: of the load; that of the speed belongs to the machine. */
const LOAD_DEVIATION = 0.04;

/** The condition of a clip: the values of its domain in turn. */
export function conditionOf(machine: string, domain: Domain, number: number): string {
  const values = parameterOf(machine)[domain];
  return values[number % values.length];
}

/** A condition as names carry it: `vel_6`. */
export const attributesOf = (machine: string, condition: string): string => `${parameterOf(machine).name}_${condition}`;

/** 0, 1/(n-1), …, 1, one for each of `n` values, in an order that is drawn. */
function places(n: number, random: Random): number[] {
  const keys = Array.from({ length: n }, () => random.uniform());
  return keys.map((key) => keys.filter((other) => other < key).length / (n - 1));
}

/**
 * Speed and load that a condition of a machine stands for, relative to the rated ones. They depend on both names alone;
 * those of one machine lie at equal ratios of speed and at equal steps of load, so that no two of them sound alike.
 */
export function operatingPointOf(machine: string, condition: string): { speed: number; load: number } {
  const { source, target } = parameterOf(machine);
  const values = [...source, ...target];
  const random = createRandom(`conditions of ${machine}`);
  const at = (name: string) => places(values.length, random.fork(name))[values.indexOf(condition)];
  return {
    speed: SPEEDS[0] * (SPEEDS[1] / SPEEDS[0]) ** at('speed'),
    load: LOADS[0] + (LOADS[1] - LOADS[0]) * at('load'),
  };
}

/**
 * The same as one recording finds it: no machine holds a condition exactly.
 * @param speedSpread relative standard deviation of the machine's speed
 */
export function heardPoint(machine: string, condition: string, speedSpread: number, take: Random) {
  const { speed, load } = operatingPointOf(machine, condition);
  const drawn = Math.min(3, Math.max(-3, take.gaussian()));
  return { speed: speed * (1 + speedSpread * drawn), load: Math.min(1.5, load + take.gaussian(0, LOAD_DEVIATION)) };
}
