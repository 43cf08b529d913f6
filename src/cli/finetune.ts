// thrum finetune: trains an encoder further, on recordings whose class or operating condition is known.
import { dirname, join } from 'node:path';
import { type Command, flag, type OptionSpecs, type Options, UsageError } from './command.ts';
import { runAblation } from './finetune-ablation.ts';
import { fitDetectors, runAsd } from './finetune-asd.ts';
import { asdOptionSpecs, asdSettings } from './finetune-asd-options.ts';
import { runClassify } from './finetune-classify.ts';
import { asdItems, subsetOptionSpec } from './finetune-items.ts';
import { finetuneOptionSpecs } from './finetune-options.ts';
import { print } from './output.ts';
import { resumeCommand } from './resume-command.ts';

/** Options of `finetune ablation` alone, beside those of asd. */
const ablationOptionSpecs = {
  out: { value: 'DIR', short: 'o', description: 'ablation: folder for the table (CSV) and a page' },
  'baseline-epochs': {
    value: 'N',
    description: "ablation: also the challenge's baselines, the autoencoder for N epochs",
  },
  cache: { value: 'DIR', description: 'ablation: where embeddings are kept (default in the run folder)' },
} satisfies OptionSpecs;

/** Options of `finetune classify` alone. */
const classifyOptionSpecs = {
  test: { value: 'WHAT', description: 'classify: folder or table that is asked about at the end' },
  'test-fold': { value: 'N', description: 'classify: fold of a known data set that is asked about (default the last)' },
  folds: { value: 'K', description: 'classify: train K times, each time with a K-th of the recordings left out' },
  subset: { ...subsetOptionSpec, description: `classify: ${subsetOptionSpec.description}` },
  several: { description: 'classify: a recording may have several labels, separated by ;' },
} satisfies OptionSpecs;

async function finetuneAsd(options: Options): Promise<number> {
  const settings = asdSettings(options);
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

const kinds = ['asd', 'classify', 'ablation'] as const;
type Kind = (typeof kinds)[number];

/** What each kind has beside the options of all. */
const own: Record<Kind, readonly OptionSpecs[]> = {
  asd: [asdOptionSpecs],
  classify: [classifyOptionSpecs],
  ablation: [asdOptionSpecs, ablationOptionSpecs],
};

function checkOptions(kind: Kind, options: Options): void {
  const known = new Set([finetuneOptionSpecs, ...own[kind]].flatMap((specs) => Object.keys(specs)));
  const wrong = Object.keys(options).find((name) => !known.has(name));
  if (wrong === undefined) return;
  const others = kinds.filter((other) => own[other].some((specs) => Object.hasOwn(specs, wrong)));
  throw new UsageError(`--${wrong}: expected with finetune ${others.join(' or ')}, not with ${kind}`);
}

export const finetuneCommand: Command = {
  summary: 'train an encoder further, on recordings whose class is known',
  usage: 'asd|classify|ablation --data DIR|--labels TABLE --run DIR [options]',
  details:
    'asd learns to tell operating conditions of normal recordings apart (names of DCASE, a table, or a folder for each), and\nfits a detector for every machine. classify learns labels, and says how well it knows those it was not shown. ablation says\nwhat each part of asd adds, on a data set of DCASE. Ctrl-C stops after the current step, with a checkpoint; --resume goes\non to the same numbers.',
  examples: [
    'thrum finetune asd --data dcase2023/ --encoder thrum-ear --run runs/asd --segment-pooling',
    'thrum finetune classify --data ESC-50/ --encoder eat-base.safetensors --run runs/esc50',
    'thrum finetune ablation --data dcase2023/ --encoder thrum-ear --run runs/ablation --out results/ --baseline-epochs 20',
  ],
  options: { ...finetuneOptionSpecs, ...asdOptionSpecs, ...classifyOptionSpecs, ...ablationOptionSpecs },
  async run(args, options) {
    const [name, ...rest] = args;
    const kind = kinds.find((known) => known === name);
    if (rest.length > 0 || !kind) {
      throw new UsageError(`expected one of ${kinds.join(', ')}, got ${args.join(' ') || 'nothing'}`);
    }
    checkOptions(kind, options);
    if (kind === 'asd') return finetuneAsd(options);
    return kind === 'classify' ? runClassify(options) : runAblation(options);
  },
};
