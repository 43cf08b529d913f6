// Clips of machines that exist nowhere: every one of another machine, in another state, at another place.
import { isConstant } from '../../signal/segments.ts';
import {
  type MachineName,
  machineNames,
  machines,
  type SimulateOptions,
  simulate,
} from '../../signal/simulate/index.ts';
import type { Random } from '../../signal/simulate/random.ts';
import type { Clip, SimulatorSource } from './types.ts';

/** Rates of common data sets, kept below what makes simulation slow. */
const SAMPLE_RATES = [8000, 12_000, 16_000, 25_600, 48_000] as const;

const SEEDS = 2 ** 31 - 1;

/** Shares of clips, and the ranges that states are drawn from. */
const NORMAL_SHARE = 0.5;
const RAMP_SHARE = 0.2;
const TARGET_SHARE = 0.3;
const OWN_NOISE_SHARE = 0.5;
const SEVERITY = [0.05, 1] as const;
const SPEED = [0.6, 1.3] as const;
const RAMP = 0.1;
/** As fast as the simulator goes. */
const FASTEST = 1.5;
/** How far the speed of one view may lie from another's, as a factor. */
const VIEW_SPEED = 1.1;
const LOAD = [0.2, 1.2] as const;
const NOISE_DECIBELS = [-5, 30] as const;

/** Start and end, relative to the rated speed; most machines hold their speed over a clip. */
function drawSpeed(random: Random): [number, number] {
  const mean = random.logUniform(...SPEED);
  const ramp = random.uniform() < RAMP_SHARE ? random.uniform(-RAMP, RAMP) : 0;
  return [mean * (1 - ramp), mean * (1 + ramp)];
}

/** Random numbers of the individual machine, of its state, and of the take: one and the same where clips are single. */
export type SimulatedDraws = { individual: Random; state: Random; take: Random };

/**
 * A clip of a machine drawn at random: kind and individual, `normal` in half of the clips or one of its faults (severity
 * log-uniform from 0.05 to 1), speed 0.6 to 1.3 of the rated one, a ramp of up to ± 10 % in a fifth of the clips, load
 * 0.2 to 1.2, source or target site, the site's own background or a signal-to-noise ratio of -5 to 30 dB, rate, and one
 * of the channels. The same draws make the same clip; those that differ in `take` alone show one machine with one
 * fault at speeds within 10 %, other loads, sites and noise.
 * @throws InputError as `simulate`, for rates or machines that it does not know.
 */
export function simulateClip(source: SimulatorSource, clipSeconds: number, draws: Random | SimulatedDraws): Clip {
  const { individual, state: own, take } = 'fork' in draws ? { individual: draws, state: draws, take: draws } : draws;
  const machine: MachineName = individual.fork('machine').pick(source.machines ?? machineNames);
  const sampleRate = individual.fork('rate').pick(source.sampleRates ?? SAMPLE_RATES);
  const machineSeed = String(individual.fork('individual').integer(0, SEEDS));
  const state = own.fork('state');
  const fault = state.uniform() < NORMAL_SHARE ? 'normal' : state.pick(machines[machine]?.faults ?? []);
  const around = take === own ? 1 : take.fork('around').logUniform(1 / VIEW_SPEED, VIEW_SPEED);
  const speed = drawSpeed(own.fork('speed')).map((end) => Math.min(FASTEST, end * around)) as [number, number];
  const load = take.fork('load').uniform(...LOAD);
  const site = take.fork('site');
  const options: SimulateOptions = {
    machine,
    fault,
    severity: state.logUniform(...SEVERITY),
    seed: site.integer(0, SEEDS),
    machineSeed,
    sampleRate,
    seconds: clipSeconds,
    speed,
    load,
    domain: site.uniform() < TARGET_SHARE ? 'target' : 'source',
    noiseLevel: site.uniform() < OWN_NOISE_SHARE ? undefined : site.uniform(...NOISE_DECIBELS),
  };
  let { recording, truth } = simulate(options);
  // No noise is at any level below a valve that happens not to move: then the site itself is heard.
  if (isConstant(recording)) ({ recording, truth } = simulate({ ...options, noiseLevel: undefined }));
  return {
    samples: individual.fork('channel').pick(recording.channels),
    sampleRate,
    source: recording.name,
    truth: {
      machine,
      fault,
      severity: truth.severity,
      machineSeed,
      speed: (speed[0] + speed[1]) / 2,
      load,
    },
  };
}
