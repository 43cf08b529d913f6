// thrum baseline: the baselines of DCASE Task 2, from a data set to models and the challenge's score files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { locateDcase } from '../evaluation/datasets/dcase-year.node.ts';
import { listed } from '../evaluation/text/words.ts';
import { InputError } from '../signal/errors.ts';
import { autoencoderKind, mobileNetKind, scoreModes } from './baseline-kinds.ts';
import { runBaseline } from './baseline-run.ts';
import { baselineFigures, baselineTable } from './baseline-table.ts';
import { type Command, choice, flag, number, type Options, required, UsageError } from './command.ts';
import { checkWritable, note, print } from './output.ts';
import { makeFolder } from './output-folder.ts';

const names = ['autoencoder', 'mobilenet'] as const;

const trainingOf = (options: Options) => ({
  epochs: number(options, 'epochs', { min: 1, integer: true }),
  batch: number(options, 'batch', { min: 2, integer: true }),
  learningRate: number(options, 'learning-rate', { above: 0 }),
  seed: number(options, 'seed', { integer: true }),
});

/** Machines of a list in a note. */
const SHOWN = 10;

export const baselineCommand: Command = {
  summary: "train the baselines of DCASE Task 2 and write the challenge's score files",
  usage: 'autoencoder|mobilenet --data DIR --out DIR [options]',
  details:
    'autoencoder   one model per machine and section; the score is what it cannot reconstruct\nmobilenet     one classifier per machine, of its sections, or of the attribute groups of its only section\n\nLearns from the normal training clips of a data set of DCASE and scores the test clips. DIR gets the models\n(<machine>_section_NN.safetensors, mobilenet: <machine>.safetensors), anomaly_score_<machine>_section_NN_test.csv and\ndecision_result_<machine>_section_NN_test.csv. A model that is there is not trained again, so an interrupted run goes on\nwith the same command; delete a model to train it anew.',
  examples: [
    'thrum baseline autoencoder --data datasets/dcase2023 --out baselines/autoencoder',
    'thrum baseline autoencoder --data datasets/dcase2023 --out baselines/autoencoder --score mahalanobis',
    'thrum baseline mobilenet --data datasets/dcase2022 --out baselines/mobilenet --epochs 5',
  ],
  options: {
    data: { value: 'DIR', short: 'd', description: 'folder with a data set of DCASE Task 2 (thrum data list)' },
    out: { value: 'DIR', short: 'o', description: 'folder for models and score files, one for each baseline' },
    score: {
      value: 'MODE',
      description:
        "autoencoder: mse (default), mahalanobis as the challenge's code has it, or conventional Mahalanobis",
    },
    epochs: { value: 'N', description: 'autoencoder 100, mobilenet 20' },
    batch: { value: 'N', description: 'windows per step: autoencoder 256, mobilenet 32' },
    'learning-rate': { value: 'X', description: 'autoencoder 1e-3, mobilenet 1e-5' },
    seed: { value: 'N', description: 'seed of weights and order (default 0)' },
    year: { value: 'Y', description: '2020 to 2025, where DIR holds several' },
    json: { description: 'print the result as JSON' },
  },
  async run(args, options) {
    const [given, ...rest] = args;
    const baseline = names.find((known) => known === given);
    if (!baseline || rest.length > 0) {
      throw new UsageError(`expected one of ${names.join(', ')}, got ${args.join(' ') || 'nothing'}`);
    }
    const mode = choice(options, 'score', scoreModes);
    if (mode !== undefined && baseline === 'mobilenet') {
      throw new UsageError('--score: expected with autoencoder, not with mobilenet, which has one score');
    }
    const training = trainingOf(options);
    const data = required(options, 'data', 'DIR');
    const out = required(options, 'out', 'DIR');
    const wanted = number(options, 'year', { min: 2020, max: 2025, integer: true });
    if (!existsSync(data)) throw new InputError(`baseline: ${data}: no such folder; check the path`);
    const { root, scan, year } = locateDcase('baseline', data, wanted);
    const kind = baseline === 'mobilenet' ? mobileNetKind : autoencoderKind(year, mode ?? 'mse');
    makeFolder(out);
    checkWritable(join(out, kind.parts(scan.samples)[0].file));
    const { sections, scored, refused, leftOut } = await runBaseline({
      kind,
      root,
      samples: scan.samples,
      out,
      training,
    });
    const figures = baselineFigures(year, scored);
    if (flag(options, 'json')) {
      const score = baseline === 'autoencoder' ? { score: mode ?? 'mse' } : {};
      print(JSON.stringify({ baseline, year, ...score, out, sections, ...figures, refused, leftOut }));
    } else for (const line of baselineTable(figures)) print(line);
    if (figures.unknown.length > 0) {
      note(`the truth of ${listed(figures.unknown, SHOWN)} is not at hand for all clips; those are in no figure`);
    }
    return refused.length + leftOut.length > 0 ? 1 : 0;
  },
};
