// Options of fine-tuning for anomalous sound, and what they ask for.
import { segmentPoolingDefaults } from '../training/recipes/segment-pooling.ts';
import { asdDefaults } from '../training/recipes/tune.ts';
import { choice, flag, number, type OptionSpecs, type Options, UsageError } from './command.ts';
import type { AsdSettings } from './finetune-asd.ts';
import { type FinetuneDefaults, finetuneSettings, warmUpFor } from './finetune-options.ts';

const asd: FinetuneDefaults = {
  options: asdDefaults,
  cropSeconds: 2,
  mix: true,
  pooling: 'attentive',
  speeds: [0.9, 1, 1.1],
  speedClasses: true,
  rollProbability: 0,
};

/** Options of `finetune asd` alone. */
export const asdOptionSpecs = {
  width: { value: 'N', description: 'asd: values of the embedding (default 128)' },
  loss: { value: 'NAME', description: 'asd: margin (default) or adacos' },
  margin: { value: 'X', description: 'asd: angle in radians (default 0.2)' },
  scale: { value: 'X', description: 'asd: of the cosines (default 30)' },
  convention: { value: 'NAME', description: 'asd: margin beyond π - m: th_mm (default), th_mmm, plain or easy' },
  centres: { value: 'N', description: 'asd: centres per class (default 1; adacos 16)' },
  'segment-pooling': { description: 'asd: second stage, a transformer over the segments of a recording' },
  'segment-hop': { value: 'SECONDS', description: 'asd: from one segment to the next in that stage (default 0.5)' },
  'segment-steps': { value: 'N', description: 'asd: steps of that stage (default as --steps)' },
} satisfies OptionSpecs;

const SUB_CENTRES = 16;

function objectiveFrom(options: Options): AsdSettings['options']['objective'] {
  const loss = choice(options, 'loss', ['margin', 'adacos']) ?? 'margin';
  const centres = number(options, 'centres', { min: 1, integer: true });
  if (loss === 'adacos') {
    const given = ['margin', 'scale', 'convention'].find((name) => options[name] !== undefined);
    if (given) throw new UsageError(`--${given}: expected --loss margin with it`);
    return { kind: 'adacos', centres: centres ?? SUB_CENTRES };
  }
  return {
    kind: 'margin',
    margin: number(options, 'margin', { min: 0, max: 1.5 }) ?? 0.2,
    scale: number(options, 'scale', { above: 0 }) ?? 30,
    convention: choice(options, 'convention', ['th_mm', 'th_mmm', 'plain', 'easy']) ?? 'th_mm',
    ...(centres !== undefined && { centres }),
  };
}

const WIDTH = 128;
/** Of a transformer layer over segments: PyTorch's default, and heads as specified. */
const SEGMENT_LAYER = { heads: 8, hidden: 2048 };

/** The encoder that is fine-tuned where none is named. */
export const FINETUNED_ENCODER = 'thrum-ear';

/** What `finetune asd` is asked for, without the recordings. @throws UsageError for options out of range */
export function asdSettings(options: Options): Omit<AsdSettings, 'items'> {
  const settings = finetuneSettings(options, asd, FINETUNED_ENCODER);
  const objective = objectiveFrom(options);
  const pooled = flag(options, 'segment-pooling');
  const alone = ['segment-hop', 'segment-steps'].find((name) => options[name] !== undefined);
  if (alone && !pooled) throw new UsageError(`--${alone}: expected --segment-pooling with it`);
  const hopSeconds = number(options, 'segment-hop', { above: 0 }) ?? 0.5;
  const steps = number(options, 'segment-steps', { min: 1, integer: true }) ?? settings.options.steps;
  const embedding = number(options, 'width', { min: 2, integer: true }) ?? WIDTH;
  if (pooled && embedding % SEGMENT_LAYER.heads !== 0) {
    throw new UsageError(
      `--width: expected a multiple of ${SEGMENT_LAYER.heads} with --segment-pooling, got ${embedding}`,
    );
  }
  const { kind: _kind, ...margin } =
    objective.kind === 'margin' ? objective : { kind: '', ...segmentPoolingDefaults.margin };
  return {
    ...settings,
    options: { ...settings.options, objective },
    embedding,
    ...(pooled && {
      segmentPooling: {
        ...segmentPoolingDefaults,
        ...{ steps, warmUpSteps: warmUpFor(steps), margin, hopSeconds },
        ...SEGMENT_LAYER,
      },
    }),
  };
}
