// What options of distillation ask for, and which are wrong usage. Runs are tested in tests/cli-distill.test.ts.
import { describe, expect, it } from 'vitest';
import { studentPlan } from '../encoders/student-config.ts';
import { planCost } from '../nn/layer-plan.ts';
import { readArguments, UsageError } from './command.ts';
import { distillCommand } from './distill.ts';
import { classifyOptions, distilSettings, embeddingOptions, observeSteps, quantisedCourse } from './distill-options.ts';

const read = (args: readonly string[]) => readArguments(distillCommand, args).options;
const classify = (...more: string[]) =>
  read(['--task', 'classify', '--teacher', 'hubert-base', '--data', 'rec', '--run', 'new', ...more]);
const embedding = (...more: string[]) =>
  read(['--task', 'embedding', '--teacher', 'thrum-ear', '--data', 'simulator', '--run', 'new', ...more]);

describe('options of distill', () => {
  it('ask for what is described where nothing is given', () => {
    const { student, ...settings } = distilSettings(classify());
    expect(settings).toEqual({
      ...{ task: 'classify', teacher: 'hubert-base', folder: 'new', resume: false, seed: 0, accumulate: 1 },
      ...{ saveEvery: 250, quantisedSteps: 400 },
    });
    expect(student).toMatchObject({ frontEnd: { kind: 'mel', sampleRate: 16_000 }, network: { kind: 'mobilenet-v2' } });
    expect(classifyOptions(classify())).toMatchObject({
      ...{ steps: 4000, batch: 64, learningRate: 5e-3, warmUpSteps: 400, weightDecay: 1e-4 },
      weights: { front: 0.5, layers: 0.5, labels: 1 },
      augmentation: {},
    });
    expect(embeddingOptions(embedding())).toMatchObject({
      ...{ steps: 20_000, batch: 32, warmUpSteps: 2000, bandsPerClip: 4 },
      weights: { relation: 1, squared: 0.1 },
    });
    expect(distilSettings(embedding()).student.frontEnd.kind).toBe('bands');
  });

  it('change what they name', () => {
    const options = classify(
      ...['--steps', '30', '--qat-steps', '9', '--warm-up', '5', '--batch', '8', '--front-weight', '2'],
      ...[
        '--without',
        'layers',
        '--mixup',
        '0.3',
        '--freq-mixstyle',
        '0.4',
        '--mask-mels',
        '0.2',
        '--filter',
        '6',
        '--workers',
        '0',
      ],
    );
    const settings = distilSettings(options);
    expect(settings).toMatchObject({ quantisedSteps: 9, warmUpSteps: 5, workers: 0 });
    const course = classifyOptions(options);
    expect(course).toMatchObject({
      ...{ steps: 30, batch: 8, warmUpSteps: 5, weights: { front: 2, layers: 0, labels: 1 } },
      augmentation: { mixup: 0.3, freqMixStyle: 0.4, maskFrequencies: 0.2, filter: 6 },
    });
    expect(quantisedCourse(course, settings)).toMatchObject({ steps: 9, learningRate: 5e-4, warmUpSteps: 1, batch: 8 });
    expect(observeSteps(settings)).toBe(5);
  });

  it('leave the teacher out, and the second phase', () => {
    const options = read(['--task', 'classify', '--teacher', 'none', '--run', 'new', '--without', 'quantisation']);
    const { teacher, quantisedSteps } = distilSettings(options);
    expect([teacher, quantisedSteps]).toEqual([undefined, 0]);
    expect(classifyOptions(options).weights).toEqual({ front: 0, layers: 0, labels: 1 });
  });

  it.each([
    ['scenes', 'mobilenet-v2', 16_000],
    ['scenes-32k', 'mobilenet-v2', 32_000],
    ['cp-mobile', 'cp-mobile', 32_000],
  ])('name the student %s', (name, kind, sampleRate) => {
    const { student } = distilSettings(classify('--student', name));
    expect([student.network.kind, student.frontEnd]).toEqual([kind, expect.objectContaining({ sampleRate })]);
  });

  it('make students that fit what they are for', () => {
    const bytes = (...more: string[]) => planCost(studentPlan(distilSettings(classify(...more)).student)).int8Bytes;
    expect(bytes()).toBeLessThanOrEqual(115_600);
    expect(bytes('--width', '0.5')).toBeLessThan(0.5 * bytes());
    expect(planCost(studentPlan(distilSettings(classify('--student', 'cp-mobile')).student)).parameters).toBe(61_148);
  });
});

describe('wrong usage', () => {
  const base = ['--teacher', 'x', '--data', 'rec', '--run', 'new'];
  const on = (task: string, ...more: string[]) => ['--task', task, ...base, ...more];
  it.each<[string, string[], RegExp]>([
    ['no task', base, /^expected --task classify\|embedding$/],
    ['another task', on('rank'), /^--task: expected one of classify, embedding, got rank$/],
    ['no teacher', ['--task', 'classify', '--data', 'rec', '--run', 'new'], /^expected --teacher ENCODER\|none$/],
    [
      'nothing to learn',
      ['--task', 'embedding', '--teacher', 'none', '--data', 'rec', '--run', 'new'],
      /^--teacher: expected an encoder with --task embedding/,
    ],
    [
      'options of embedding',
      on('classify', '--bands', '3'),
      /^--bands: expected with --task embedding, not with classify$/,
    ],
    [
      'options of classify',
      on('embedding', '--mixup', '1'),
      /^--mixup: expected with --task classify, not with embedding$/,
    ],
    ['a student of the other task', on('classify', '--student', 'bands'), /^--student: expected scenes, scenes-32k or/],
    [
      'a student of the other task',
      on('embedding', '--student', 'scenes'),
      /^--student: expected bands with --task emb/,
    ],
    [
      'a width that is fixed',
      on('classify', '--student', 'cp-mobile', '--width', '2'),
      /^--width: expected with another/,
    ],
    ['nothing to leave out', on('classify', '--without', 'front,x'), /^--without: expected some of front, layers, qua/],
    [
      'layers of an embedding',
      on('embedding', '--without', 'layers'),
      /^--without: expected layers with --task classify/,
    ],
    [
      'steps of what is left out',
      on('classify', '--without', 'quantisation', '--qat-steps', '3'),
      /^--qat-steps: expected without --without quantisation$/,
    ],
    ['two tests', on('classify', '--test', 'x', '--test-fold', '1'), /^--test-fold: expected without --test/],
    ['a file', [...on('classify'), 'x.wav'], /^expected options alone, got x\.wav$/],
  ])('%s', async (_, args, message) => {
    const { files, options } = readArguments(distillCommand, args);
    const run = distillCommand.run(files, options);
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(message);
  });
});
