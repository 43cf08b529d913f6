// The hints that Thrum's own weight files carry: their schema, and those that an architecture needs to be recognised again.
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import type { ConfigHints, TunedConfig } from './config-hints.ts';
import { families } from './families.ts';
import type { Architecture } from './family.ts';
import type { StudentConfig } from './student-config.ts';
import { studentSchema } from './student-schema.ts';

/** Settings of a configuration that cannot be read off shapes, under the names that they have there. */
const untoldByShapes = {
  heads: z.int().min(1),
  bandBins: z.int().min(1),
  lengthMode: z.enum(['readme', 'rmis']),
  segmentFrames: z.int().min(1),
  level: z.literal('removed'),
  levelWeight: z.number().min(0),
  tail: z.literal('overlap'),
  pool: z.string(),
  maxDistance: z.int().min(1),
  deepNorm: z.literal('off'),
  targetLength: z.int().min(1),
  chunks: z.literal('padded'),
  blockNorm: z.enum(['post', 'pre']),
  normalize: z.enum(['clip', 'none']),
} satisfies Record<Exclude<keyof ConfigHints, 'family' | 'tuned' | 'student'>, z.ZodType>;

const hintsSchema: z.ZodType<ConfigHints> = z
  .object({
    family: z.enum(families.map(({ name }) => name)),
    ...untoldByShapes,
    tuned: z.object({
      base: z.object({ family: z.string(), hints: z.lazy(() => hintsSchema) }),
      sampleRate: z.number().positive(),
      cropSamples: z.int().min(1),
      hopSamples: z.int().min(1),
      mix: z.boolean(),
      pooling: z.enum(['mean', 'attentive', 'cls']),
      embedding: z.int().min(1).optional(),
      segments: z.object({ heads: z.int().min(1), hidden: z.int().min(1) }).optional(),
      labels: z.object({ names: z.array(z.string()).min(1), several: z.boolean() }).optional(),
    }),
    student: studentSchema,
  })
  .partial();

const settingsSchema = z.object({ hints: hintsSchema.default({}) });

/** What was written beside the weights, as JSON. @throws InputError for damaged settings; `name` is that of the file */
export function storedHints(json: string, name: string): ConfigHints {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success)
    throw new InputError(`loadEncoder: the settings in ${name} are damaged; import the weights again`);
  return parsed.data.hints;
}

/** What `recogniseWeights` must be told to make this architecture of its weights again. */
export function hintsOf({ family, config }: Architecture): ConfigHints {
  if (family === 'tuned') return { family, tuned: config as TunedConfig };
  if (family === 'student') return { family, student: config as StudentConfig };
  const told = Object.entries(config).filter(([key]) => Object.hasOwn(untoldByShapes, key));
  return { family, ...Object.fromEntries(told) };
}
