// Fine-tuning runs for tests: a tiny encoder of a family, three kinds of tones, and a loop without files.
import { type TinyEncoder, tinyEncoder } from '../../encoders/tiny-encoders.test-util.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import type { LabelledCrop } from '../data/labelled-types.ts';
import { type LoopOptions, train } from '../loop.ts';
import { type MemoryStore, memoryStore } from '../memory-store.test-util.ts';
import { planTuning, type TunePlan, type TuneShape } from '../tuned-plan.ts';
import { asdDefaults, type CropClasses, type TuneOptions } from './tune.ts';

export const RATE = 16_000;
export const CROP = 4800;
const CLASSES = 3;
export const classes: CropClasses = { count: CLASSES, of: ({ classIndex }) => [classIndex] };

/** Crop number n: the tone of class n mod 3, in noise. */
export function cropAt(n: number): LabelledCrop {
  const random = createRandom(`crop ${n}`);
  const classIndex = n % CLASSES;
  const phase = random.uniform(0, 6);
  const samples = Float32Array.from(
    { length: CROP },
    (_, i) => Math.sin((2 * Math.PI * [400, 1500, 5000][classIndex] * i) / RATE + phase) + random.gaussian(0, 0.1),
  );
  return { samples, sampleRate: RATE, item: n, speed: 0, label: `${classIndex}`, classIndex };
}

export const cropsFrom = (from: number, count: number): LabelledCrop[] =>
  Array.from({ length: count }, (_, i) => cropAt(from + i));

/** Steps enough for a schedule, four crops in each. */
export const tiny: TuneOptions = { ...asdDefaults, steps: 20, batch: 4, warmUpSteps: 2, learningRate: 1e-3 };

export type TinyPlan = TunePlan & { base: TinyEncoder; options: TuneOptions };

export function tinyPlan(
  name: string,
  changes: Partial<TuneOptions> = {},
  shape: Partial<TuneShape> = {},
  of: CropClasses = classes,
): TinyPlan {
  const base = tinyEncoder(name);
  const options = { ...tiny, ...changes };
  const seconds = CROP / RATE;
  const wanted = { sampleRate: RATE, cropSeconds: seconds, hopSeconds: seconds, mix: true, embedding: 8, ...shape };
  return { ...planTuning({ id: name, ...base }, wanted, of, options), base, options };
}

async function* stream(from: number, batch: number, stride: number) {
  for (let n = from; ; n += stride) yield { clips: cropsFrom(n, batch) };
}

/** Trains in memory, every step logged. */
export async function trained(
  { recipe }: Pick<TunePlan, 'recipe'>,
  changes: Partial<LoopOptions<LabelledCrop>> = {},
  store: MemoryStore = memoryStore(),
): Promise<MemoryStore & { saved: NonNullable<MemoryStore['saved']> }> {
  await train({
    ...{ recipe, steps: 4, seed: 3, accumulate: 1, clips: stream, store, logEvery: 1, saveEvery: 100 },
    ...changes,
  });
  if (!store.saved) throw new Error('nothing was saved');
  return { ...store, saved: store.saved };
}
