// Simulated machines, normal and faulty, for tests, demonstrations and pre-training: one call makes one recording.
import { InputError } from '../errors.ts';
import type { Recording } from '../recording.ts';
import { bearing } from './bearing.ts';
import type { Clock } from './clock.ts';
import { createClock } from './clock.ts';
import { fan } from './fan.ts';
import { gearbox } from './gearbox.ts';
import type { Machine } from './machine.ts';
import { decibels } from './modulation.ts';
import { motorCurrent } from './motor-current.ts';
import { pump } from './pump.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import { antiAlias, applySensor, background, drawSensor } from './sensor.ts';
import { slideRail } from './slide-rail.ts';
import { valve } from './valve.ts';

/** The machines by name. Every one also runs with fault `normal`. */
export const machines = {
  bearing,
  gearbox,
  motor: motorCurrent,
  fan,
  pump,
  valve,
  'slide-rail': slideRail,
} satisfies Record<string, Machine>;

export type MachineName = keyof typeof machines;

/** Names of all machines. */
export const machineNames = Object.keys(machines) as MachineName[];

export type SimulateOptions = {
  machine: MachineName;
  /** One of the machine's faults, or `normal` (the default). */
  fault?: string;
  /** 0 (exactly as normal) to 1 (severe); 0.5 by default. Of no effect on `normal`. */
  severity?: number;
  /** The recording: noise, phases, small changes of speed and load. */
  seed: number | string;
  /** The individual machine: geometry, resonances, mounting. Recordings with the same one are of the same machine. */
  machineSeed?: number | string;
  /** Hz, 1,000 to 2,560,000; by default the machine's usual rate. */
  sampleRate?: number;
  /** Length; 10 by default. */
  seconds?: number;
  /** Relative to the rated speed, 0.1 to 1.5; two numbers for a ramp from the start to the end. */
  speed?: number | [number, number];
  /** Shaft speed in turns per minute, in place of `speed`. */
  rpm?: number;
  /** Relative to the rated load, 0 to 1.5. */
  load?: number;
  /** `target`: the same machine under other conditions, as in a DCASE domain shift. */
  domain?: 'source' | 'target';
  /** Signal-to-noise ratio in dB over the recorded band; by default the background of a real site. */
  noiseLevel?: number;
};

/** What is true about a simulated recording. Frequencies in Hz, at the mean speed of the recording. */
export type Truth = {
  machine: MachineName;
  fault: string;
  severity: number;
  speedHz: number;
  load: number;
  domain: 'source' | 'target';
  faultFrequencies: Record<string, number>;
};

export type Simulated = { recording: Recording; truth: Truth };

const longest = 2 ** 27;

const inRange = (name: string, value: number, low: number, high: number, unit = ''): number => {
  if (value >= low && value <= high) return value;
  throw new InputError(`simulate: expected ${name} between ${low} and ${high}${unit}, got ${value}`);
};

const machineOf = (name: string): Machine => {
  if (Object.hasOwn(machines, name)) return machines[name as MachineName];
  throw new InputError(`simulate: expected machine ${machineNames.join(', ')}, got ${name}`);
};

const faultOf = (machine: Machine, name: string, fault: string): string => {
  if (fault === 'normal' || machine.faults.includes(fault)) return fault;
  throw new InputError(`simulate: expected fault normal, ${machine.faults.join(', ')} for ${name}, got ${fault}`);
};

type Site = { machine: Machine; identity: Random; take: Random; shifted: boolean; options: SimulateOptions };

// A source site runs at its own load and nearly rated speed; the target site of the same machine at others. Where the
// caller names speed or load, it is taken as it is.
const operatingPoint = ({
  machine,
  identity,
  take,
  shifted,
  options,
}: Site): { speed: [number, number]; load: number } => {
  const shift = identity.fork('target conditions');
  const [low, high] = machine.speedShift;
  const slower = shift.uniform() < 0.5;
  const factor = slower ? shift.uniform(low, 1 - 0.4 * (1 - low)) : shift.uniform(1 + 0.4 * (high - 1), high);
  const sourceLoad = identity.fork('load').uniform(0.7, 1);
  const usualLoad = shifted ? sourceLoad - shift.uniform(0.25, 0.45) : sourceLoad;
  const small = take.fork('operating point');
  const spread = 1 + Math.min(3, Math.max(-3, small.gaussian())) * machine.speedSpread;
  const drawnLoad = Math.min(1.5, Math.max(0, usualLoad + small.gaussian(0, 0.04)));
  const load = options.load === undefined ? drawnLoad : inRange('load', options.load, 0, 1.5);
  if (options.rpm === undefined) {
    const given = options.speed ?? (shifted ? factor : 1) * spread;
    const ends: [number, number] = typeof given === 'number' ? [given, given] : given;
    return { speed: [inRange('speed', ends[0], 0.1, 1.5), inRange('speed', ends[1], 0.1, 1.5)], load };
  }
  if (options.speed !== undefined) throw new InputError('simulate: expected speed or rpm, got both; leave one out');
  if (machine.moves !== 'shaft')
    throw new InputError(`simulate: expected speed for ${options.machine}, got rpm; it has no shaft`);
  const rated = machine.ratedSpeed(identity, load) * 60;
  const relative = inRange('rpm', options.rpm, 0.1 * rated, 1.5 * rated, ', 0.1 to 1.5 of this machine') / rated;
  return { speed: [relative, relative], load };
};

const powerOf = (signal: Float64Array, clock: Clock): number => {
  let sum = 0;
  for (let i = clock.lead; i < signal.length; i++) sum += signal[i] * signal[i];
  return sum / (signal.length - clock.lead);
};

// What the recorder gets: the machine through its sensor, and the background at its level.
const record = (site: Site, clock: Clock, channels: Float64Array[]): Float32Array[] => {
  const { machine, identity, take, shifted, options } = site;
  const place = identity.fork(shifted ? 'target site' : 'site');
  // Mounting, distance and direction differ a little each time: level alone tells little.
  const gain = machine.sensor === 'current' ? 1 : decibels(take.fork('gain').gaussian(0, 1.2));
  return channels.map((signal, c) => {
    applySensor(signal, clock, drawSensor(place.fork(`sensor ${c}`), machine.sensor));
    const spot = place.fork('background');
    const noise = background(spot, take.fork(`background ${c}`), clock, machine.sensor);
    let level = shifted ? decibels(place.fork('louder').uniform(3, 7)) : 1;
    if (options.noiseLevel !== undefined) {
      const wanted = (gain * gain * powerOf(signal, clock)) / decibels(options.noiseLevel) ** 2;
      level = Math.sqrt(wanted / powerOf(noise, clock));
    }
    for (let i = 0; i < signal.length; i++) signal[i] = gain * signal[i] + level * noise[i];
    antiAlias(signal, clock);
    return Float32Array.from(signal.subarray(clock.lead));
  });
};

/**
 * Simulates one recording of a machine, with the truth about it. Deterministic: the same options give the same samples.
 * Signals are defined in seconds and hertz and then sampled, so the same seeds at two rates give the same machine in the
 * same state below the lower of both halves (tones, impacts and modulations alike; noise alike in level only).
 * Currents have three channels in A; vibration is in g and sound in Pa, one channel.
 * A fault adds to or changes the normal recording of the same seed, and severity 0 is that recording, sample by sample.
 * @throws InputError for an unknown machine or fault, and for values out of their range.
 * @example
 * const { recording, truth } = simulate({ machine: 'bearing', fault: 'inner-race', severity: 0.6, seed: 1 });
 */
export const simulate = (options: SimulateOptions): Simulated => {
  const { severity = 0.5, seed, machineSeed = 0, seconds = 10, domain = 'source' } = options;
  const machine = machineOf(options.machine);
  const fault = faultOf(machine, options.machine, options.fault ?? 'normal');
  const strength = fault === 'normal' ? 0 : inRange('severity', severity, 0, 1);
  const sampleRate = inRange('sampleRate', options.sampleRate ?? machine.defaultSampleRate, 1000, 2_560_000, ' Hz');
  const samples = Math.round(seconds * sampleRate);
  if (!(samples >= 1 && samples <= longest))
    throw new InputError(`simulate: expected 1 to ${longest} samples, got ${seconds} s at ${sampleRate} Hz`);
  if (options.noiseLevel !== undefined) inRange('noiseLevel', options.noiseLevel, -60, 120, ' dB');
  if (domain !== 'source' && domain !== 'target')
    throw new InputError(`simulate: expected domain source or target, got ${domain}`);

  const clock = createClock(sampleRate, samples);
  const identity = createRandom(machineSeed).fork(options.machine);
  const take = createRandom(seed).fork(options.machine).fork(String(machineSeed)).fork(domain);
  const site: Site = { machine, identity, take, shifted: domain === 'target', options };
  const { speed, load } = operatingPoint(site);
  const { channels, speedHz, faultFrequencies } = machine.run({
    clock,
    identity,
    take: take.fork('run'),
    speed,
    load,
    fault: strength > 0 ? fault : 'normal',
    severity: strength,
  });
  const name = `${options.machine}_${fault}_${domain}_${seed}`;
  return {
    recording: { channels: record(site, clock, channels), sampleRate, unit: machine.unit, name },
    truth: { machine: options.machine, fault, severity: strength, speedHz, load, domain, faultFrequencies },
  };
};
