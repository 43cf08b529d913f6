// thrum bench: encoders on the benchmarks of the field, and the challenge's own evaluation of anybody's scores.
import { DEFAULT_ENCODER } from '../encoders/load.node.ts';
import { defaultStoreFolder } from '../evaluation/embeddings/store.node.ts';
import { suiteIds } from '../evaluation/suites/tasks.ts';
import type { SuiteName } from '../evaluation/tables/suites.ts';
import { runDcaseScore } from './bench-dcase.ts';
import { runLifeBench } from './bench-life.ts';
import { runScenesBench } from './bench-scenes.ts';
import { runSuiteBench } from './bench-suite.ts';
import { type Command, choice, flag, number, type Options, required, text, UsageError } from './command.ts';
import { encoderFrom, encoderOptionSpecs, workersFrom } from './recording-options.ts';

const actions = [...suiteIds, 'life', 'scenes', 'dcase-score'] as const;
type Action = (typeof actions)[number];

/** What each action takes; the parser knows the options of all. */
const own: Record<Action, readonly string[]> = {
  siren: ['data', 'encoder', 'compat', 'only', 'out', 'details', 'json', 'cache', 'workers', 'provider'],
  rmis: ['data', 'encoder', 'compat', 'only', 'out', 'details', 'json', 'cache', 'workers', 'provider'],
  open: ['data', 'encoder', 'only', 'out', 'details', 'json', 'cache', 'workers', 'provider'],
  life: ['data', 'encoder', 'channel', 'out', 'json', 'workers', 'provider'],
  scenes: ['data', 'encoder', 'out', 'json', 'workers'],
  'dcase-score': ['year', 'scores', 'truth', 'out', 'json', 'compat'],
};

function checkOptions(action: Action, options: Options): void {
  for (const name of Object.keys(options)) {
    if (!own[action].includes(name)) {
      throw new UsageError(`bench ${action} has no --${name}; it has ${own[action].map((o) => `--${o}`).join(', ')}`);
    }
  }
}

function runSuite(suite: SuiteName, options: Options): Promise<number> {
  const compat = choice(options, 'compat', ['siren', 'rmis']);
  if (compat !== undefined && compat !== suite) {
    throw new UsageError(`--compat ${compat} belongs to bench ${compat}, not to bench ${suite}`);
  }
  const { encoder, ...runtime } = encoderFrom(options, DEFAULT_ENCODER);
  return runSuiteBench({
    suite,
    data: required(options, 'data', 'DIR'),
    encoders: encoder,
    runtime,
    compat: compat !== undefined,
    only: text(options, 'only')
      ?.split(',')
      .map((id) => id.trim()),
    storeFolder: text(options, 'cache') ?? defaultStoreFolder(),
    workers: workersFrom(options),
    out: text(options, 'out'),
    details: flag(options, 'details'),
    json: flag(options, 'json'),
  });
}

export const benchCommand: Command = {
  summary: 'run encoders on SIREN, RMIS and other benchmarks',
  usage:
    'siren|rmis|open|life|scenes --data DIR [options]\n       thrum bench dcase-score --year Y --scores DIR --truth DIR',
  details: [
    'siren, rmis   the published benchmarks, on those of their data sets that are found below DIR',
    'open          freely available sets: CWRU, MFPT, ITSC, ESC-50, FSDD',
    'life          condition over life and remaining useful life on FEMTO',
    'scenes        classifiers of acoustic scenes, by device (TAU 2022, or its layout)',
    'dcase-score   the official figures of DCASE Task 2 for score files in their format',
    '',
    'Every table of siren, rmis and open has the spectral baseline and, for encoders with weights, the same architecture with random ones.',
    'Embeddings are kept, so that an interrupted run goes on where it stopped.',
  ].join('\n'),
  examples: [
    'thrum bench siren --data datasets/ --encoder echo-small --out results/',
    'thrum bench rmis --data datasets/ --encoder fisher-tiny,echo-small,fisher-tiny+echo-small',
    'thrum bench siren --data datasets/ --only cwru --encoder peer/model.onnx --compat siren --details',
    'thrum bench scenes --data sets/scenes --encoder runs/student/encoder.safetensors',
    'thrum bench dcase-score --year 2024 --scores teams/ --truth ground_truth/',
  ],
  options: {
    data: { value: 'DIR', short: 'd', description: 'folder with the data sets as they unpack (thrum data list)' },
    ...encoderOptionSpecs,
    encoder: {
      value: 'LIST',
      short: 'e',
      description: 'names or files (weights, ONNX) separated by commas; a+b hears with both (default spectral)',
    },
    compat: {
      value: 'NAME',
      description: 'siren, rmis (dcase-score: 2022): as the released code does where published numbers rest on a quirk',
    },
    only: { value: 'LIST', description: 'rows to run: cwru, dcase2023, … (default: all that are there)' },
    out: { value: 'PATH', short: 'o', description: 'folder for CSV, JSON and an HTML page (dcase-score: a file)' },
    details: { description: 'also print machines, classes and confusion matrices' },
    json: { description: 'print JSON' },
    cache: { value: 'DIR', description: 'where embeddings are kept (default ~/.cache/thrum/embeddings)' },
    channel: { value: 'C', description: 'life: 1 (horizontal), 2 (vertical) or all (default)' },
    year: { value: 'Y', description: 'dcase-score: 2020 to 2025' },
    scores: { value: 'DIR', description: 'dcase-score: score files of one or more systems' },
    truth: { value: 'DIR', description: 'dcase-score: ground truth, or a folder above it' },
  },
  async run([name, ...rest], options) {
    const action = actions.find((known) => known === name);
    if (!action || rest.length > 0) {
      const given = action ? rest.join(' ') : (name ?? 'nothing');
      throw new UsageError(`expected one of ${actions.join(', ')}, got ${given}`);
    }
    checkOptions(action, options);
    if (action === 'dcase-score') {
      return runDcaseScore({
        year: number(options, 'year', { min: 2020, max: 2025, integer: true }) ?? missing('year', 'Y'),
        scores: required(options, 'scores', 'DIR'),
        truth: required(options, 'truth', 'DIR'),
        json: flag(options, 'json'),
        out: text(options, 'out'),
        compat: choice(options, 'compat', ['2022']) !== undefined,
      });
    }
    if (action === 'scenes') {
      return runScenesBench({
        data: required(options, 'data', 'DIR'),
        encoders: required(options, 'encoder', 'LIST'),
        out: text(options, 'out'),
        json: flag(options, 'json'),
        workers: workersFrom(options),
      });
    }
    if (action === 'life') {
      return runLifeBench({
        data: required(options, 'data', 'DIR'),
        encoder: encoderFrom(options, DEFAULT_ENCODER),
        channel: lifeChannel(options),
        out: text(options, 'out'),
        json: flag(options, 'json'),
        workers: workersFrom(options),
      });
    }
    return runSuite(action, options);
  },
};

function missing(name: string, value: string): never {
  throw new UsageError(`expected --${name} ${value}`);
}

function lifeChannel(options: Options): 0 | 1 | 'all' {
  const given = choice(options, 'channel', ['1', '2', 'all']) ?? 'all';
  return given === 'all' ? given : given === '1' ? 0 : 1;
}
