// Small models and sounds for tests of the page: a classifier of simulated machines, and an encoder without labels.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadEncoder } from '../../encoders/load.node.ts';
import type { Labels } from '../../encoders/types.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { type MachineName, simulate } from '../../signal/simulate/index.ts';
import { tunedExample, writeTiny, writeTuned } from '../../training/tuned.test-util.ts';

export const RATE = 16000;
export const MACHINES = ['fan', 'pump', 'slide-rail'] as const satisfies readonly MachineName[];

/** Some seconds of a machine; the same individual whatever the seed. */
export const machine = (name: MachineName, seconds: number, seed: string | number = 1): Float32Array =>
  simulate({ machine: name, seed, machineSeed: 1, seconds, sampleRate: RATE }).recording.channels[0];

/** Machines one after the other. */
export function takeTurns(...turns: readonly [name: MachineName, seconds: number][]): Recording {
  const parts = turns.map(([name, seconds]) => machine(name, seconds));
  const samples = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return { channels: [samples], sampleRate: RATE, name: 'turns' };
}

/**
 * Writes a tiny ECHO that tells `MACHINES` apart: its classes are the mean embeddings of some seconds of each, the
 * weights those of the nearest mean, so steep that a sound at one mean is of its class by 3 nats and more.
 */
export async function writeClassifier(path: string): Promise<void> {
  const labels: Labels = { names: [...MACHINES], several: false };
  const crops = { sampleRate: RATE, cropSamples: RATE, hopSamples: RATE };
  const example = tunedExample('echo', { mix: false, pooling: 'mean', ...crops, labels });
  writeTuned(example, path);
  const encoder = await loadEncoder({ encoder: path });
  const means: Float32Array[] = [];
  for (const name of MACHINES) {
    const samples = machine(name, 6, 'to learn from');
    means.push((await encoder.embed({ channels: [samples], sampleRate: RATE, name })).vector);
  }
  await encoder.release();
  const square = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, d) => sum + (value - b[d]) ** 2, 0);
  const nearest = Math.min(...means.flatMap((a, i) => means.slice(i + 1).map((b) => square(a, b))));
  const centre = means[0].map((_, d) => means.reduce((sum, mean) => sum + mean[d] / means.length, 0));
  const steepness = 6 / nearest;
  // Around the common centre, or numbers far larger than their differences would come out.
  const weights = means.map((mean) => mean.map((value, d) => steepness * (value - centre[d])));
  const bias = means.map((mean, c) =>
    weights[c].reduce((sum, weight, d) => sum - weight * centre[d], (-steepness / 2) * square(mean, centre)),
  );
  example.values.set('head.classes.weight', Float32Array.from(weights.flatMap((row) => [...row])));
  example.values.set('head.classes.bias', Float32Array.from(bias));
  writeTuned(example, path);
}

/** Writes a tiny ECHO without labels. */
export const writeEncoder = (path: string): void => writeTiny('echo', path);

/** Writes a WAV file of 16 bits into `folder`. */
export function writeSound(folder: string, name: string, recording: Recording): string {
  const path = join(folder, name);
  writeFileSync(path, writeWav(recording));
  return path;
}
