// What options of fine-tuning ask for, and which are wrong usage. Runs are tested in tests/cli-finetune.test.ts.
import { describe, expect, it } from 'vitest';
import { readArguments, UsageError } from './command.ts';
import { finetuneCommand } from './finetune.ts';
import { asdSettings } from './finetune-asd-options.ts';

const read = (args: readonly string[]) => readArguments(finetuneCommand, args);
const settingsOf = (...more: string[]) => asdSettings(read(['--data', 'rec', '--run', 'new', ...more]).options);

describe('options of finetune asd', () => {
  it('ask for what is published where nothing is given', () => {
    const { options, crops, ...settings } = settingsOf();
    expect(settings).toEqual({
      ...{ data: 'rec', folder: 'new', resume: false, encoder: 'thrum-ear', cropSeconds: 2, accumulate: 1, seed: 0 },
      ...{ saveEvery: 250, mix: true, pooling: 'attentive', embedding: 128 },
    });
    expect(options).toMatchObject({
      ...{ steps: 2000, batch: 32, learningRate: 5e-4, weightDecay: 1e-4, layerDecay: 1, dropPath: 0 },
      warmUpSteps: 200,
      objective: { kind: 'margin', margin: 0.2, scale: 30, convention: 'th_mm' },
      tuning: { kind: 'all' },
      augmentation: {},
    });
    expect(crops).toEqual({ gainDecibels: 0, speeds: { factors: [0.9, 1, 1.1], keepPitch: false, ownClass: true } });
  });

  it('change what they name', () => {
    const { options, crops, segmentPooling, ...settings } = settingsOf(
      ...['--steps', '30', '--warm-up', '7', '--tune', 'low-rank', '--rank', '4', '--loss', 'adacos'],
      ...['--speeds', '1', '--noise=-3', '--roll', '--gain', '6', '--mixup', '0.8', '--layers', 'last'],
      ...['--segment-pooling', '--segment-hop', '0.25', '--width', '64', '--workers', '3'],
    );
    expect(settings).toMatchObject({ mix: false, embedding: 64, workers: 3, warmUpSteps: 7 });
    expect(options).toMatchObject({
      ...{ steps: 30, warmUpSteps: 7, tuning: { kind: 'low-rank', rank: 4, alpha: 8 } },
      objective: { kind: 'adacos', centres: 16 },
      augmentation: { mixup: 0.8 },
    });
    expect(crops).toEqual({
      gainDecibels: 6,
      noise: { ratio: [-3, 27], probability: 0.5 },
      rollProbability: 1,
    });
    const margin = { scale: 30, margin: 0.2, convention: 'th_mm' };
    expect(segmentPooling).toMatchObject({ steps: 30, warmUpSteps: 3, hopSeconds: 0.25, heads: 8, margin });
  });

  it('give the margin of the first stage to the second', () => {
    const { segmentPooling } = settingsOf(
      '--segment-pooling',
      '--segment-steps',
      '9000',
      '--margin',
      '0.4',
      '--centres',
      '2',
    );
    expect(segmentPooling).toMatchObject({
      steps: 9000,
      warmUpSteps: 400,
      margin: { margin: 0.4, scale: 30, centres: 2 },
    });
  });
});

describe('wrong usage', () => {
  const on = (kind: string, ...more: string[]) => [kind, '--data', 'rec', '--run', 'new', ...more];
  it.each<[string, string[], RegExp]>([
    ['no kind', ['--data', 'rec', '--run', 'new'], /^expected one of asd, classify, ablation, got nothing$/],
    ['two kinds', on('asd', 'classify'), /expected one of asd, classify, ablation, got asd classify/],
    ['no data', ['asd', '--run', 'new'], /^expected --data DIR \(or --labels TABLE\)$/],
    ['no folder', ['classify', '--data', 'rec'], /^expected --run DIR$/],
    ['a folder and a table', on('classify', '--labels', 'x.csv'), /^--labels: expected without --data: /],
    ['options of asd', on('classify', '--width', '8'), /^--width: expected with finetune asd or ablation, not with classify$/],
    ['options of classify', on('asd', '--folds', '2'), /^--folds: expected with finetune classify, not with asd$/],
    ['a rank without low rank', on('asd', '--rank', '2'), /^--rank: expected --tune low-rank with it$/],
    ['a hop without pooling', on('asd', '--segment-hop', '1'), /^--segment-hop: expected --segment-pooling with it$/],
    [
      'a width that heads do not divide',
      on('asd', '--segment-pooling', '--width', '12'),
      /^--width: expected a multiple of 8 with --segment-pooling, got 12$/,
    ],
    ['a margin of another loss', on('asd', '--loss', 'adacos', '--margin', '0.1'), /^--margin: expected --loss margin/],
    ['a margin too wide', on('asd', '--margin', '1.6'), /^--margin: expected a number \(at least 0, at most 1\.5\)/],
    ['pitch without speeds', on('classify', '--keep-pitch'), /^--keep-pitch: expected --speeds with it$/],
    ['speeds that are none', on('asd', '--speeds', '0.9,x'), /^--speeds: expected numbers above 0 separated by commas/],
    ['one crop per step', on('asd', '--batch', '1'), /^--batch: expected a number \(whole, at least 2\), got 1$/],
    ['folds and a test', on('classify', '--folds', '2', '--test', 'x'), /^--folds: expected without --test/],
    ['a fold and a test', on('classify', '--test-fold', '2', '--test', 'x'), /^--test-fold: expected without --test/],
    ['another pooling', on('classify', '--pooling', 'last'), /^--pooling: expected one of attentive, mean, cls/],
  ])('%s', async (_, args, message) => {
    const { files, options } = read(args);
    const run = finetuneCommand.run(files, options);
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(message);
  });
});
