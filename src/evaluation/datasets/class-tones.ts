// Simple sounds that tell classes apart, for small copies of data sets whose sounds come from no machine.
import type { Recording } from '../../signal/recording.ts';
import { createRandom } from '../../signal/simulate/random.ts';

export type ClassTone = { classIndex: number; seed: string; seconds: number; sampleRate: number };

/** Hz: classes lie a quarter tone apart from here, so that 50 of them stay below 1 kHz. */
const LOWEST = 220;
const CLASSES_PER_OCTAVE = 24;

/**
 * A tone with three partials in noise. Pitch, balance of the partials and the rate of its swelling belong to the
 * class; `seed` moves them a little, as recordings of one class differ.
 */
export function classTone({ classIndex, seed, seconds, sampleRate }: ClassTone): Recording {
  const ofClass = createRandom(`class ${classIndex}`);
  const own = createRandom(seed);
  const hz = LOWEST * 2 ** (classIndex / CLASSES_PER_OCTAVE) * own.uniform(0.995, 1.005);
  const partials = [1, 2, 3].map((order) => ({ order, level: ofClass.uniform(0.1, 1), phase: own.uniform() }));
  const swelling = ofClass.uniform(2, 12) * own.uniform(0.95, 1.05);
  const [depth, start, gain] = [ofClass.uniform(0, 0.9), own.uniform(), own.uniform(0.15, 0.25)];
  const samples = Float32Array.from({ length: Math.max(1, Math.round(seconds * sampleRate)) }, (_, i) => {
    const time = i / sampleRate;
    const tone = partials.reduce(
      (sum, { order, level, phase }) => sum + level * Math.sin(2 * Math.PI * (order * hz * time + phase)),
      0,
    );
    const level = 1 - depth * (0.5 + 0.5 * Math.sin(2 * Math.PI * (swelling * time + start)));
    return gain * level * tone + 0.01 * own.gaussian();
  });
  return { channels: [samples], sampleRate, name: seed };
}
