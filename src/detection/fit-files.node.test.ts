import { afterAll, describe, expect, it } from 'vitest';

import { InputError } from '../signal/errors.ts';
import { simulate } from '../signal/simulate/index.ts';
import { createWavFolder, wavWithBadSample } from '../signal/wav-folder.test-util.ts';
import { createDiagnoser } from './diagnose.ts';
import { type FitFilesOptions, fitFiles } from './fit-files.node.ts';
import type { FitPreparation } from './fit-recordings.ts';
import { labelsFromFolders } from './labels.node.ts';

const folder = createWavFolder();
afterAll(() => folder.remove());

const preparation: FitPreparation = { channel: 0, segmentSeconds: null };
const options: FitFilesOptions = {
  encoder: { encoder: 'spectral' },
  read: {},
  preparation,
  settings: { transform: 'standardise' },
  workers: 0,
};

const normal = Array.from({ length: 6 }, (_, i) => folder.simulate(`rig/normal/${i}.wav`, { seed: i }));
const worn = Array.from({ length: 4 }, (_, i) =>
  folder.simulate(`rig/worn/${i}.wav`, { seed: 100 + i, fault: 'inner-race', severity: 1 }),
);

describe('fitFiles', () => {
  it('fits a detector to the files that can be read, and says why the others cannot', async () => {
    const { recording } = simulate({ machine: 'bearing', sampleRate: 8000, seconds: 0.5, seed: 7 });
    const bad = [
      folder.write('bad/nan.wav', wavWithBadSample(recording.channels[0], 8000, 1234, Number.NaN)),
      folder.record('bad/one-sample.wav', { channels: [Float32Array.of(0.5)], sampleRate: 8000 }),
      folder.write('bad/text.wav', 'this is no recording\n'),
      folder.write('bad/empty.wav', ''),
      folder.path('bad/missing.wav'),
      folder.simulate('bad/other-rate.wav', { seed: 8, sampleRate: 16000 }),
    ];
    const silent = folder.record('bad/silence.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const files = [...normal.slice(0, 3), ...bad, silent, ...normal.slice(3)];
    const progress: [number, number][] = [];
    const { detector, failures, warnings } = await fitFiles(files, {
      ...options,
      onFile: (done, total) => progress.push([done, total]),
    });
    expect(detector.entries.map(({ file }) => file)).toEqual(normal);
    expect(failures.map(({ file }) => file)).toEqual(bad);
    const messages = failures.map(({ message }) => message);
    expect(messages[0]).toBe(
      `${bad[0]}: sample 1234 of channel 1 is NaN; repair the recording or cut it out with --part`,
    );
    expect(messages[1]).toMatch(/expected at least 0\.01 s, got 0\.000125 s .*one-sample\.wav/);
    expect(messages[2]).toContain('text.wav');
    expect(messages[3]).toContain('empty.wav');
    expect(messages[4]).toContain('missing.wav');
    expect(messages[5]).toMatch(/sampled at 16000 Hz, while 6 of 7 recordings have 8000 Hz; .*--resample 8000/);
    expect(warnings).toEqual([`${silent}: every sample is the same (silence, or a dead sensor); left out`]);
    expect(progress).toEqual(files.map((_, i) => [i + 1, files.length]));
    expect(detector).toMatchObject({
      encoder: { id: 'spectral' },
      signal: { sampleRate: 8000, channel: 0, segmentSeconds: null },
      settings: { transform: 'standardise' },
    });
  });

  it('cuts recordings into segments', async () => {
    const { detector } = await fitFiles(normal, { ...options, preparation: { channel: 0, segmentSeconds: 0.2 } });
    // 0.5 s: two pieces, and the last half piece as a whole one that ends with the recording.
    expect(detector.entries.slice(0, 4).map(({ file, startSeconds }) => [file, startSeconds])).toEqual([
      [normal[0], 0],
      [normal[0], 0.2],
      [normal[0], 0.3],
      [normal[1], 0],
    ]);
    expect(detector.calibration?.scores).toHaveLength(18);
  });

  it('takes labels from folders, and normal ones for normal', async () => {
    const files = [...worn, ...normal];
    const { detector } = await fitFiles(files, { ...options, labels: labelsFromFolders(files) });
    expect(detector.entries.map(({ label }) => label)).toEqual([...Array(4).fill('worn'), ...Array(6).fill('normal')]);
    expect(detector.calibration?.scores).toHaveLength(6);
    const diagnose = createDiagnoser(detector);
    for (const [i, { label }] of detector.entries.entries()) {
      const vector = detector.bank.values.slice(i * detector.bank.columns, (i + 1) * detector.bank.columns);
      expect((await diagnose([vector])).label).toBe(label);
    }
  });

  it('explains by normal recordings only', async () => {
    const files = [...worn, ...normal];
    const alone = await fitFiles(normal, options);
    const labelled = await fitFiles(files, { ...options, labels: labelsFromFolders(files) });
    expect(labelled.detector.frameStatistics).toEqual(alone.detector.frameStatistics);
    expect(alone.detector.frameStatistics?.mean).toHaveLength(41); // bins of an 80-point transform
    const other = await fitFiles(files, {
      ...options,
      labels: labelsFromFolders(files),
      settings: { ...options.settings, normalLabel: 'worn' },
    });
    expect(other.detector.frameStatistics).toEqual((await fitFiles(worn, options)).detector.frameStatistics);
    const faults = await fitFiles(worn, { ...options, labels: () => 'worn' });
    expect([faults.detector.frameStatistics, faults.detector.calibration]).toEqual([undefined, undefined]);
  });

  it('leaves out files without a label, and keeps domains apart', async () => {
    const labels = (path: string) => (path === normal[2] ? undefined : 'normal');
    const domains = (path: string) => (normal.indexOf(path) < 4 ? 'slow' : 'fast');
    const { detector, failures } = await fitFiles(normal, { ...options, labels, domains });
    expect(failures).toEqual([
      { file: normal[2], message: `${normal[2]}: has no label; add it to the table of labels` },
    ]);
    expect(detector.entries.map(({ domain }) => domain)).toEqual(['slow', 'slow', 'slow', 'fast', 'fast']);
    expect(Object.keys(detector.scales)).toEqual(['slow', 'fast']);
    const some = await fitFiles(normal, { ...options, domains: (path) => (path === normal[0] ? undefined : 'slow') });
    expect(some.failures.map(({ file }) => file)).toEqual([normal[0]]);
    expect(some.failures[0].message).toMatch(/--domains/);
  });

  it('keeps the commonest number of channels, whatever the first file has', async () => {
    const channels = simulate({ machine: 'motor', sampleRate: 8000, seconds: 0.5, seed: 1 }).recording.channels;
    const three = folder.record('channels/0.wav', { channels, sampleRate: 8000 });
    const two = [1, 2, 3, 4].map((i) =>
      folder.record(`channels/${i}.wav`, {
        channels: simulate({ machine: 'motor', sampleRate: 8000, seconds: 0.5, seed: i }).recording.channels.slice(
          0,
          2,
        ),
        sampleRate: 8000,
      }),
    );
    const all = { ...options, preparation: { ...preparation, channel: 'all' as const } };
    const { detector, failures } = await fitFiles([three, ...two], all);
    expect(detector.entries.map(({ file }) => file)).toEqual(two);
    expect(failures).toEqual([
      { file: three, message: `${three}: has 3 channels, ${two[0]} has 2; choose one with --channel` },
    ]);
    expect(detector.bands).toHaveLength(32);
    const first = await fitFiles([three, ...two], options);
    expect(first.warnings).toEqual([
      '5 recordings have several channels; channel 1 is used (--channel N, mean or all)',
    ]);
    expect(first.detector.entries).toHaveLength(5);
  });

  it('resamples where it is asked to', async () => {
    const fast = folder.simulate('fast.wav', { seed: 9, sampleRate: 16000 });
    const { detector, failures } = await fitFiles([...normal, fast], {
      ...options,
      preparation: { ...preparation, sampleRate: 8000, resample: true },
    });
    expect([detector.entries.length, failures]).toEqual([7, []]);
  });

  it('gives up where nothing is left, with the first reason', async () => {
    const text = folder.write('only/text.wav', 'no recording');
    const fit = fitFiles([text, folder.path('only/missing.wav')], options);
    await expect(fit).rejects.toThrow(/^fit: none of 2 files could be used; the first: .*text\.wav/);
    await expect(fitFiles([text], options)).rejects.toBeInstanceOf(InputError);
    await expect(fitFiles(normal.slice(0, 1), options)).rejects.toThrow('at least 2 normal segments, got 1');
    await expect(fitFiles(normal, { ...options, labels: () => undefined })).rejects.toBeInstanceOf(InputError);
  });
});
