// The settings of a student as they stand in files: their schema, and whether they make a network.
import { z } from 'zod';
import { layerShapes } from '../nn/layer-plan.ts';
import { InputError } from '../signal/errors.ts';
import { melFilterbank } from '../signal/mel.ts';
import { type MelFrontEnd, type StudentConfig, studentPlan } from './student-config.ts';
import { windowSamples } from './student-input.ts';

const count = z.int().min(1);
const positive = z.number().positive();
const normalisation = { mean: z.number(), deviation: positive };

const melSchema = z.object({
  kind: z.literal('mel'),
  sampleRate: positive,
  nFft: count.multipleOf(2),
  winLength: count,
  hopLength: count,
  mels: count,
  fMin: z.number().min(0),
  fMax: positive,
  floor: positive,
  ...normalisation,
  frames: count,
  variant: z.literal('cpjku-2023').optional(),
});

const bandSchema = z.object({
  kind: z.literal('bands'),
  bandBins: count,
  frames: count,
  ...normalisation,
  levelWeight: z.number().min(0).optional(),
});

const pairSchema = z.tuple([count, count]);

const mobilenetSchema = z.object({
  kind: z.literal('mobilenet-v2'),
  width: positive,
  blocks: z.array(z.object({ expansion: count, channels: count, repeats: count, stride: count })).min(1),
  stem: count,
  last: z.int().min(0),
  residualNorm: z.object({ lambda: z.number(), at: z.array(z.enum(['input', 'blocks'])) }).optional(),
});

const cpMobileSchema = z.object({
  kind: z.literal('cp-mobile'),
  base: count.multipleOf(4),
  multiplier: positive,
  expansion: positive,
  stages: z.array(count).min(1),
  strides: z.record(z.string().regex(/^\d+$/), pairSchema),
  responseNorm: z.boolean(),
});

/** Read settings have their keys in the order of the schema, whatever the order in the file. */
export const studentSchema: z.ZodType<StudentConfig> = z.object({
  frontEnd: z.discriminatedUnion('kind', [melSchema, bandSchema]),
  network: z.discriminatedUnion('kind', [mobilenetSchema, cpMobileSchema]),
  outputs: count,
  labels: z.object({ names: z.array(z.string()).min(1), several: z.boolean() }).optional(),
  form: z.enum(['float', 'folded', 'int8']),
});

/** @throws InputError for windows that are too short for their frames, and for filters that do not fit */
function checkMel(frontEnd: MelFrontEnd): void {
  const { sampleRate, nFft, winLength, mels, fMin, fMax, variant } = frontEnd;
  melFilterbank({ sampleRate, nFft, mels, fMin, fMax, scale: variant ? 'kaldi' : 'htk' });
  // Reflected ends need half a transform and one sample; pre-emphasis takes one more.
  const needed = nFft / 2 + (variant ? 2 : 1);
  if (winLength <= nFft && windowSamples(frontEnd) >= needed) return;
  throw new InputError(
    `loadEncoder: expected windows of at least ${needed} samples and winLength up to nFft = ${nFft}, got ${windowSamples(frontEnd)} and ${winLength}; restore the settings of the student`,
  );
}

/**
 * Settings with their keys in one order.
 * @throws InputError where they make no student
 */
export function checkedStudent(config: unknown): StudentConfig {
  const parsed = studentSchema.safeParse(config);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new InputError(
      `loadEncoder: expected the settings of a student, found a fault at ${path.join('.') || 'the top'} (${message}); restore the file`,
    );
  }
  const { frontEnd, outputs, labels } = parsed.data;
  if (labels && labels.names.length !== outputs) {
    throw new InputError(
      `loadEncoder: expected as many labels as the student has outputs, ${outputs}, got ${labels.names.length}; restore the settings of the student`,
    );
  }
  if (frontEnd.kind === 'mel') checkMel(frontEnd);
  layerShapes(studentPlan(parsed.data));
  return parsed.data;
}
