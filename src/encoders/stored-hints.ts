// The settings that Thrum's own weight files carry: what shapes do not tell.
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { families } from './families.ts';
import type { ConfigHints } from './family.ts';

const hintsSchema: z.ZodType<ConfigHints> = z.object({
  family: z.enum(families.map(({ name }) => name)).optional(),
  heads: z.int().min(1).optional(),
  bandBins: z.int().min(1).optional(),
  lengthMode: z.enum(['readme', 'rmis']).optional(),
  segmentFrames: z.int().min(1).optional(),
  level: z.literal('removed').optional(),
  levelWeight: z.number().min(0).optional(),
  tail: z.literal('overlap').optional(),
  pool: z.string().optional(),
  targetLength: z.int().min(1).optional(),
  chunks: z.literal('padded').optional(),
  maxDistance: z.int().min(1).optional(),
  blockNorm: z.enum(['post', 'pre']).optional(),
  normalize: z.enum(['clip', 'none']).optional(),
  deepNorm: z.literal('off').optional(),
  layerNormFirst: z.literal(true).optional(),
  tuned: z
    .object({
      base: z.object({ family: z.string(), hints: z.lazy(() => hintsSchema) }),
      sampleRate: z.number().positive(),
      cropSamples: z.int().min(1),
      hopSamples: z.int().min(1),
      mix: z.boolean(),
      pooling: z.enum(['mean', 'attentive', 'cls']),
      embedding: z.int().min(1).optional(),
      segments: z.object({ heads: z.int().min(1), hidden: z.int().min(1) }).optional(),
      labels: z.object({ names: z.array(z.string()).min(1), several: z.boolean() }).optional(),
    })
    .optional(),
});

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
