import { afterAll, describe, expect, it } from 'vitest';
import { embedRecording } from '../encoders/embed-recording.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import { InputError } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { resample } from '../signal/resample.ts';
import { simulate } from '../signal/simulate/index.ts';
import { createWavFolder, wavWithBadSample } from '../signal/wav-folder.test-util.ts';
import type { Detector } from './detector.ts';
import { type FitFilesOptions, fitFiles } from './fit-files.node.ts';
import { createScorer } from './score.ts';
import { checkEncoder, type FileResult, type ScoreFilesOptions, scoreFiles } from './score-files.node.ts';

const folder = createWavFolder();
afterAll(() => folder.remove());

const encoder = { encoder: 'spectral' };
const options: ScoreFilesOptions = { encoder, read: {}, workers: 0 };
const fitting: FitFilesOptions = {
  encoder,
  read: {},
  preparation: { channel: 0, segmentSeconds: 0.25 },
  settings: { transform: 'standardise' },
  workers: 0,
};

const normal = Array.from({ length: 12 }, (_, i) => folder.simulate(`normal/${i}.wav`, { seed: i }));
const fresh = Array.from({ length: 4 }, (_, i) => folder.simulate(`fresh/${i}.wav`, { seed: 50 + i }));
const worn = Array.from({ length: 4 }, (_, i) =>
  folder.simulate(`worn/${i}.wav`, { seed: 100 + i, fault: 'inner-race', severity: 1 }),
);
const detector = (await fitFiles(normal, fitting)).detector;

async function scoreAll(
  paths: readonly string[],
  change: Partial<ScoreFilesOptions> = {},
  using: Detector = detector,
): Promise<FileResult[]> {
  const results: FileResult[] = [];
  for await (const result of scoreFiles(paths, using, { ...options, ...change })) results.push(result);
  return results;
}

describe('scoreFiles', () => {
  it('tells worn machines from healthy ones', async () => {
    const results = await scoreAll([...fresh, ...worn]);
    const verdicts = results.map(({ scored }) => scored[0].verdict);
    expect(verdicts.slice(4).every((verdict) => verdict?.anomalous)).toBe(true);
    expect(verdicts.slice(0, 4).every((verdict) => verdict?.anomalous)).toBe(false);
    const scores = verdicts.map((verdict) => verdict?.score ?? Number.NaN);
    expect(Math.min(...scores.slice(4))).toBeGreaterThan(Math.max(...scores.slice(0, 4)));
  });

  it('gives the verdict that the library gives for the embeddings of the segments', async () => {
    const [{ path, scored, failures }] = await scoreAll([fresh[0]]);
    const [recording] = await readRecordingFile(fresh[0]);
    const { segments } = await embedRecording(await loadEncoder(encoder), recording, fitting.preparation);
    const verdict = await createScorer(detector).score(segments.map(({ vector }) => vector));
    expect([path, failures]).toEqual([fresh[0], []]);
    expect(scored).toEqual([{ path, name: fresh[0], startSeconds: 0, durationSeconds: 0.5, constant: false, verdict }]);
  });

  it('gives one result per segment where it is asked to', async () => {
    const [{ scored }] = await scoreAll([fresh[1]], { perSegment: true });
    const [whole] = await scoreAll([fresh[1]]);
    expect(scored.map(({ startSeconds, durationSeconds }) => [startSeconds, durationSeconds])).toEqual([
      [0, 0.25],
      [0.25, 0.25],
    ]);
    const scores = scored.map(({ verdict }) => verdict?.score);
    expect(scores).toEqual(whole.scored[0].verdict?.segments.map(({ score }) => score));
  });

  it('reports what cannot be scored, and goes on', async () => {
    const samples = simulate({ machine: 'bearing', sampleRate: 8000, seconds: 0.5, seed: 7 }).recording.channels[0];
    const bad = [
      folder.write('bad/nan.wav', wavWithBadSample(samples, 8000, 3999, Number.POSITIVE_INFINITY)),
      folder.record('bad/one-sample.wav', { channels: [Float32Array.of(0.5)], sampleRate: 8000 }),
      folder.write('bad/text.wav', 'this is no recording\n'),
      folder.simulate('bad/other-rate.wav', { seed: 8, sampleRate: 16000 }),
      folder.path('bad/missing.wav'),
    ];
    const results = await scoreAll([...bad.flatMap((path, i) => [path, fresh[i % 4]])]);
    expect(results.map(({ scored, failures }) => [scored.length, failures.length])).toEqual(
      bad.flatMap(() => [
        [0, 1],
        [1, 0],
      ]),
    );
    const messages = results.flatMap(({ failures }) => failures.map(({ message }) => message));
    expect(messages[0]).toMatch(/nan\.wav: sample 3999 of channel 1 is Infinity/);
    expect(messages[1]).toMatch(/one-sample\.wav/);
    expect(messages[2]).toMatch(/text\.wav/);
    expect(messages[3]).toMatch(/other-rate\.wav: sampled at 16000 Hz, expected 8000 Hz; convert it with --resample/);
    expect(messages[4]).toMatch(/missing\.wav/);
    const [resampled] = await scoreAll([bad[3]], { resample: true });
    const [original] = await readRecordingFile(bad[3]);
    const channels = [resample(original.channels[0], 16000, 8000)];
    const path = folder.record('bad/resampled.wav', { channels, sampleRate: 8000 });
    expect(resampled.scored[0].verdict).toEqual((await scoreAll([path]))[0].scored[0].verdict);
  });

  it('goes on after a recording with another number of channels', async () => {
    const all = await fitFiles(normal, { ...fitting, preparation: { channel: 'all', segmentSeconds: null } });
    const { channels } = simulate({ machine: 'motor', sampleRate: 8000, seconds: 0.5, seed: 1 }).recording;
    const three = folder.record('three.wav', { channels, sampleRate: 8000 });
    const results = await scoreAll([three, fresh[0]], {}, all.detector);
    expect(results[0].scored).toEqual([]);
    expect(results[0].failures[0].file).toBe(three);
    expect(results[0].failures[0].message).toMatch(/three\.wav: score: expected embeddings of 82 values, got 246/);
    expect(results[1].scored).toHaveLength(1);
  });

  it('scores silence, and says that it is', async () => {
    const silent = folder.record('silence.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const [{ scored }] = await scoreAll([silent]);
    expect(scored[0].constant).toBe(true);
    expect(scored[0].verdict?.anomalous).toBe(true);
    expect(Number.isFinite(scored[0].verdict?.score)).toBe(true);
  });

  it('hears only the part that is asked for', async () => {
    const { channels } = simulate({ machine: 'bearing', sampleRate: 8000, seconds: 0.5, seed: 51 }).recording;
    const broken = simulate({
      machine: 'bearing',
      sampleRate: 8000,
      seconds: 0.5,
      seed: 101,
      fault: 'inner-race',
      severity: 1,
    });
    const joined = Float32Array.of(...channels[0], ...broken.recording.channels[0]);
    const path = folder.record('half-worn.wav', { channels: [joined], sampleRate: 8000 });
    const [first] = await scoreAll([path], { part: { from: 0, to: 50, unit: '%' } });
    const [second] = await scoreAll([path], { part: { from: 0.5, to: 1, unit: 's' } });
    expect([first, second].map(({ scored }) => scored[0].verdict?.anomalous)).toEqual([false, true]);
    const [nothing] = await scoreAll([path], { part: { from: 5, to: 6, unit: 's' } });
    expect(nothing.failures[0].message).toMatch(/nothing lies between 5 and 6 s of 1 s; change --part/);
  });

  it('diagnoses where the detector has labels', async () => {
    const labelled = await fitFiles([...normal, ...worn.slice(0, 3)], {
      ...fitting,
      labels: (path) => (path.includes('worn') ? 'inner race' : 'normal'),
    });
    const results = await scoreAll([fresh[2], worn[3]], {}, labelled.detector);
    expect(results.map(({ scored }) => scored[0].diagnosis?.label)).toEqual(['normal', 'inner race']);
    const faults = await fitFiles(worn.slice(0, 3), { ...fitting, labels: () => 'inner race' });
    const [{ scored }] = await scoreAll([worn[3]], {}, faults.detector);
    expect([scored[0].verdict, scored[0].diagnosis?.label]).toEqual([undefined, 'inner race']);
  });
});

describe('checkEncoder', () => {
  it('refuses another encoder than the detector was fitted with', async () => {
    await expect(checkEncoder(detector, encoder)).resolves.toBeUndefined();
    const check = checkEncoder(detector, { encoder: 'spectral-25ms' });
    await expect(check).rejects.toBeInstanceOf(InputError);
    await expect(check).rejects.toThrow(
      /score: the detector was fitted with spectral \(spectral:0\.01:mean\+spread\), but spectral-25ms is spectral:0\.025:mean; use the same weights, or fit again/,
    );
  });
});
