// What the generators of data sets share: a recording of any class, and the same machine heard by several sensors.
import type { Recording } from '../../signal/recording.ts';
import { type MachineName, machines, type SimulateOptions, simulate } from '../../signal/simulate/index.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import type { GeneratedFile } from './types.ts';

/** How the classes of a data set are told apart: a fault of a machine, and how strong it is. */
export type ClassSource = Pick<SimulateOptions, 'machine' | 'fault' | 'severity' | 'speed' | 'load'>;

/**
 * `count` sources that differ: the faults of a machine in turn, then again on other machines of the kind. The first
 * is `normal` where `normalFirst` says so.
 */
export function classSources(
  machine: MachineName,
  count: number,
  normalFirst: boolean,
): (ClassSource & { machineSeed: number })[] {
  const faults = machines[machine].faults;
  return Array.from({ length: count }, (_, i) => {
    if (normalFirst && i === 0) return { machine, fault: 'normal', machineSeed: 0 };
    const n = normalFirst ? i - 1 : i;
    return { machine, fault: faults[n % faults.length], severity: 0.8, machineSeed: Math.floor(n / faults.length) };
  });
}

/**
 * One take as `count` sensors hear it: every further channel is the first one through another mounting (a short random
 * filter) with noise of its own.
 */
export function severalSensors(recording: Recording, count: number, seed: number | string): Recording {
  const [first] = recording.channels;
  const power = Math.sqrt(first.reduce((sum, value) => sum + value * value, 0) / first.length);
  const channels = Array.from({ length: count }, (_, c) => {
    if (c < recording.channels.length) return recording.channels[c];
    const random = createRandom(`${seed}/sensor ${c}`);
    const [now, before, earlier] = [1, random.uniform(-0.6, 0.6), random.uniform(-0.3, 0.3)];
    const gain = random.uniform(0.5, 1.5);
    return first.map((value, i) => {
      const filtered = now * value + before * (first[i - 1] ?? 0) + earlier * (first[i - 2] ?? 0);
      return gain * filtered + 0.05 * power * random.gaussian();
    });
  });
  return { ...recording, channels };
}

/** Scaled so that no sample exceeds `peak`, as an audio recorder with a fitting gain would. */
export function withinFullScale(recording: Recording, peak = 0.9): Recording {
  const largest = recording.channels.reduce(
    (most, samples) => samples.reduce((m, value) => Math.max(m, Math.abs(value)), most),
    0,
  );
  const gain = largest > 0 ? Math.min(1, peak / largest) : 1;
  return { ...recording, channels: recording.channels.map((samples) => samples.map((value) => value * gain)) };
}

/** Simulates one recording of a class. */
export const recordClass = (
  source: ClassSource,
  options: Pick<SimulateOptions, 'seed' | 'machineSeed' | 'seconds' | 'sampleRate' | 'domain'>,
): Recording => simulate({ ...source, ...options }).recording;

/** A file of lines, the last one ended too. */
export const textFile = (path: string, lines: readonly string[]): GeneratedFile => ({
  path,
  bytes: new TextEncoder().encode(`${lines.join('\n')}\n`),
});

/** Comma-separated values, a row per sample and a column per channel, without a header. */
export const csvFile = (path: string, { channels }: Recording, digits = 6): GeneratedFile =>
  textFile(
    path,
    Array.from(channels[0], (_, i) => channels.map((samples) => samples[i].toPrecision(digits)).join(',')),
  );
