// thrum finetune: trains an encoder further, on recordings whose class or operating condition is known.
import { dirname, join } from 'node:path';
import { segmentPoolingDefaults } from '../training/recipes/segment-pooling.ts';
import { asdDefaults } from '../training/recipes/tune.ts';
import { type Command, choice, flag, number, type OptionSpecs, type Options, UsageError } from './command.ts';
import { type AsdSettings, fitDetectors, runAsd } from './finetune-asd.ts';
import { runClassify } from './finetune-classify.ts';
import { asdItems } from './finetune-items.ts';
import { type FinetuneDefaults, finetuneOptionSpecs, finetuneSettings, warmUpFor } from './finetune-options.ts';
import { print } from './output.ts';
import { resumeCommand } from './resume-command.ts';

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
const asdOptionSpecs = {
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

/** Options of `finetune classify` alone. */
const classifyOptionSpecs = {
  test: { value: 'WHAT', description: 'classify: folder or table that is asked about at the end' },
  'test-fold': { value: 'N', description: 'classify: fold of a known data set that is asked about (default the last)' },
  folds: { value: 'K', description: 'classify: train K times, each time with a K-th of the recordings left out' },
  several: { description: 'classify: a recording may have several labels, separated by ;' },
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

/** What `finetune asd` is asked for, without the recordings. */
export function asdSettings(options: Options, encoder: string): Omit<AsdSettings, 'items'> {
  const settings = finetuneSettings(options, asd, encoder);
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

const ENCODER = 'thrum-ear';

async function finetuneAsd(options: Options): Promise<number> {
  const settings = asdSettings(options, ENCODER);
  const items = await asdItems(settings);
  const end = await runAsd({ ...settings, items });
  if ('status' in end) {
    print(`finetune asd: stopped after step ${end.step} with a checkpoint; go on with`);
    print(`  ${resumeCommand(['finetune', 'asd'], options)}`);
    return end.status;
  }
  const detectors = await fitDetectors(end.encoder, join(dirname(end.encoder), 'detectors'), items, settings.workers);
  if (flag(options, 'json')) print(JSON.stringify({ ...end, recordings: items.length, detectors }));
  else {
    print(`finetune asd: ${items.length} recordings of ${end.classes} classes; encoder ${end.encoder}`);
    for (const detector of detectors) print(`  thrum score FILES… --detector ${detector}`);
  }
  return 0;
}

export const finetuneCommand: Command = {
  summary: 'train an encoder further, on recordings whose class is known',
  usage: 'asd|classify --data DIR|--labels TABLE --run DIR [options]',
  details:
    'asd learns to tell operating conditions of normal recordings apart (names of DCASE, a table, or a folder for each), and\nfits a detector for every machine. classify learns labels, and says how well it knows those it was not shown.\nCtrl-C stops after the current step, with a checkpoint; --resume goes on to the same numbers.',
  examples: [
    'thrum finetune asd --data dcase2023/ --encoder thrum-ear --run runs/asd --segment-pooling',
    'thrum finetune classify --data ESC-50/ --encoder eat-base.safetensors --run runs/esc50',
  ],
  options: { ...finetuneOptionSpecs, ...asdOptionSpecs, ...classifyOptionSpecs },
  async run(args, options) {
    const [kind, ...rest] = args;
    if (rest.length > 0 || (kind !== 'asd' && kind !== 'classify')) {
      throw new UsageError(`expected asd or classify, got ${args.join(' ') || 'nothing'}`);
    }
    const foreign = Object.keys(kind === 'asd' ? classifyOptionSpecs : asdOptionSpecs);
    const wrong = foreign.find((name) => options[name] !== undefined);
    if (wrong) throw new UsageError(`--${wrong}: expected with ${kind === 'asd' ? 'classify' : 'asd'} only`);
    return kind === 'asd' ? finetuneAsd(options) : runClassify(options);
  },
};
