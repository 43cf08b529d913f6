import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNormal, withThreshold } from '../../detection/detector.ts';
import { readDetector, writeDetector } from '../../detection/detector-file.ts';
import { deviationMap } from '../../detection/explain.ts';
import { fitFiles } from '../../detection/fit-files.node.ts';
import { scoreFiles } from '../../detection/score-files.node.ts';
import { loadEncoder } from '../../encoders/load.node.ts';
import { pictureSpectrogram } from '../../report/picture.ts';
import { InputError } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { writeNpy } from '../../signal/readers/npy-write.ts';
import { createWavFolder, wavWithBadSample } from '../../signal/wav-folder.test-util.ts';
import { createHearingPool, QueueFullError } from './pool.node.ts';
import type { Sound } from './sound.ts';
import type { FitJob } from './types.ts';

const folder = createWavFolder();
const pool = createHearingPool({ threads: 2 });
afterAll(async () => {
  await pool.close();
  folder.remove();
});

const normal = Array.from({ length: 8 }, (_, i) => folder.simulate(`normal/${i}.wav`, { seed: i }));
const worn = Array.from({ length: 2 }, (_, i) =>
  folder.simulate(`worn/${i}.wav`, { seed: 100 + i, fault: 'inner-race', severity: 1 }),
);
const fresh = folder.simulate('fresh.wav', { seed: 50 });
const asFile = (path: string): Sound => ({ kind: 'file', path });
const asBytes = (path: string): Sound => ({ kind: 'bytes', bytes: readFileSync(path), name: path });
const plan: FitJob = {
  sounds: normal.map(asFile),
  names: normal,
  encoder: 'spectral-shape-10ms',
  segmentSeconds: 0.25,
  channel: 0,
  settings: { transform: 'standardise' },
};
const fitted = (files: readonly string[]) =>
  fitFiles(files, {
    encoder: { encoder: plan.encoder },
    read: {},
    preparation: { channel: 0, segmentSeconds: 0.25 },
    settings: plan.settings,
    workers: 0,
  });

let detector: { key: string; bytes: Uint8Array };
beforeAll(async () => {
  detector = { key: 'pump@1', bytes: await writeDetector((await fitted(normal)).detector) };
});
const startMs = Date.UTC(2025, 0, 1);

describe('fit', () => {
  it('makes the detector that fitFiles makes, and counts the sounds', async () => {
    const progress: [number, number][] = [];
    const { bytes, failures, warnings } = await pool.fit(plan, (done, total) => progress.push([done, total]));
    expect(Buffer.from(bytes).equals(Buffer.from(detector.bytes))).toBe(true);
    expect([failures, warnings]).toEqual([[], []]);
    expect(progress).toEqual(normal.map((_, i) => [i + 1, normal.length]));
  });

  it('reports what cannot be used, and takes sounds without a label for normal where others have one', async () => {
    const silence = folder.record('silence.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const bad: Sound = { kind: 'bytes', bytes: Buffer.from('no recording'), name: 'upload' };
    const {
      detector: made,
      failures,
      warnings,
    } = await pool.fit({
      ...plan,
      sounds: [...plan.sounds, ...worn.map(asBytes), bad, asFile(silence)],
      names: [...normal.map((_, i) => `n${i}`), 'w0', 'w1', 'bad', 'silent'],
      labels: [...normal.map(() => undefined), 'worn', 'worn'],
    });
    expect(failures.map(({ file }) => file)).toEqual(['bad']);
    expect(warnings).toEqual(['silent: every sample is the same (silence, or a dead sensor); left out']);
    expect(new Set(made.entries.map(({ file, label }) => `${file} ${label}`))).toEqual(
      new Set([...normal.map((_, i) => `n${i} normal`), 'w0 worn', 'w1 worn']),
    );
    expect(made.entries.every(({ startSeconds }, i) => startSeconds === (i % 2) * 0.25)).toBe(true);
  });

  it('refuses where nothing can be used', async () => {
    const job = { ...plan, sounds: [asFile(folder.path('missing.wav'))], names: ['x'] };
    await expect(pool.fit(job)).rejects.toThrow(/^fit: none of 1 files could be used; the first: .*missing\.wav/);
    await expect(pool.fit({ ...plan, encoder: 'no-such-encoder' })).rejects.toThrow(InputError);
  });
});

describe('hear', () => {
  it('says what scoreFiles says, of files, bytes and recordings, and leaves them to the caller', async () => {
    const known = await readDetector(detector.bytes);
    const options = { encoder: { encoder: plan.encoder }, read: {}, workers: 0 };
    for await (const { path, scored } of scoreFiles([fresh, ...worn], known, options)) {
      const [{ verdict, durationSeconds }] = scored;
      if (!verdict) throw new Error('expected a verdict');
      const { segments: _segments, ...said } = verdict;
      const [recording] = await readRecordingFile(path);
      // A part of a larger memory, as windows of a stream are.
      const wide = new Float32Array(recording.channels[0].length + 10);
      wide.set(recording.channels[0], 10);
      const view = { ...recording, channels: [wide.subarray(10)] };
      for (const sound of [asFile(path), asBytes(path), { kind: 'recording', recording: view } as const]) {
        const [heard, ...others] = await pool.hear({ sound, detector, startMs });
        expect(others).toEqual([]);
        expect(heard).toMatchObject({ ...said, startMs, durationSeconds, sampleRate: 8000, constant: false });
        expect(heard.threshold).toBe(known.threshold);
        expect(heard.places.length > 0).toBe(said.anomalous);
      }
      expect(view.channels[0]).toHaveLength(4000);
    }
    expect(detector.bytes.length).toBeGreaterThan(0);
  });

  it('finds the place that deviates most in the worst segment', async () => {
    const known = await readDetector(detector.bytes);
    const encoder = await loadEncoder({ encoder: plan.encoder });
    const [recording] = await readRecordingFile(worn[0]);
    const [heard] = await pool.hear({ sound: asFile(worn[0]), detector, startMs, places: 'always' });
    const [never] = await pool.hear({ sound: asFile(worn[0]), detector, startMs, places: 'never' });
    expect(never.places).toEqual([]);
    const [place] = heard.places;
    const from = Math.floor(place.startSeconds / 0.25) * 0.25;
    const piece = { ...recording, channels: [recording.channels[0].subarray(from * 8000, (from + 0.25) * 8000)] };
    const { frames } = await encoder.embed(piece, { frames: true });
    if (!frames || !known.frameStatistics) throw new Error('expected frames');
    const map = deviationMap(frames, known.frameStatistics);
    expect(place.deviations).toBe(Math.max(...map.values));
  });

  it('hears the recordings of a file one after the other, converts rates only where that is allowed', async () => {
    const parts = await Promise.all([normal[0], worn[0]].map((path) => readRecordingFile(path)));
    const data = Float32Array.from(parts.flatMap(([{ channels }]) => [...channels[0]]));
    const bytes = writeNpy({ shape: [2, 1, 4000], data });
    const sound: Sound = { kind: 'bytes', bytes, name: 'run.npy', read: { sampleRate: 8000 } };
    const both = await pool.hear({ sound, detector, startMs });
    expect(both.map((one) => one.startMs)).toEqual([startMs, startMs + 500]);
    const [alone] = await pool.hear({ sound: asFile(worn[0]), detector, startMs: startMs + 500 });
    expect(both[1]).toEqual(alone);
    const other = folder.simulate('other-rate.wav', { seed: 9, sampleRate: 16000 });
    await expect(pool.hear({ sound: asFile(other), detector, startMs })).rejects.toThrow(/16000 Hz, expected 8000/);
    const [heard] = await pool.hear({ sound: asFile(other), detector, startMs, resample: true });
    expect(heard.sampleRate).toBe(16000);
  });

  it('refuses what is no recording or no detector in one line, and hears the next', async () => {
    const nan = Buffer.from(wavWithBadSample(new Float32Array(4000).fill(0.1), 8000, 7, Number.NaN));
    const poisoned: Sound[] = [
      { kind: 'bytes', bytes: nan, name: 'nan.wav' },
      { kind: 'bytes', bytes: new Uint8Array(), name: 'empty.wav' },
      { kind: 'bytes', bytes: readFileSync(fresh).subarray(0, 30), name: 'cut.wav' },
    ];
    for (const sound of poisoned) {
      const error = await pool.hear({ sound, detector, startMs }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toMatch(/^[^\n]*(nan|empty|cut)\.wav[^\n]*$/);
    }
    const torn = { key: 'torn', bytes: detector.bytes.subarray(0, 500) };
    await expect(pool.hear({ sound: asFile(fresh), detector: torn, startMs })).rejects.toThrow(InputError);
    // What a failure leaves under a key must not stay there.
    const [heard] = await pool.hear({ sound: asFile(fresh), detector: { ...detector, key: 'again' }, startMs });
    expect(heard.anomalous).toBe(false);
    const [silent] = await pool.hear({
      sound: asFile(folder.record('dead.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 })),
      detector,
      startMs,
    });
    expect(silent.constant).toBe(true);
  });

  it('does not open files that a detector of a stranger names', async () => {
    const secret = folder.write('secret.safetensors', 'key');
    const known = await readDetector(detector.bytes);
    const named = { ...known, encoder: { ...known.encoder, id: 'secret.safetensors', file: secret } };
    const foreign = { key: 'foreign', bytes: await writeDetector(named) };
    const refused = pool.hear({ sound: asFile(fresh), detector: foreign, startMs });
    await expect(refused).rejects.toThrow(/no encoder or file named secret\.safetensors/);
  });
});

describe('extend', () => {
  it('adds normal recordings, and refits', async () => {
    const grown = await pool.extend(detector.bytes, [{ sound: asFile(fresh), name: fresh }]);
    const { detector: all } = await fitted([...normal, fresh]);
    const { frameStatistics, ...expected } = all;
    expect(grown.detector).toMatchObject(expected);
    expect(grown.detector.frameStatistics).toEqual((await readDetector(detector.bytes)).frameStatistics);
    expect(frameStatistics).toBeDefined();
    expect(await readDetector(grown.bytes)).toMatchObject({ threshold: all.threshold });
    expect(grown.warnings).toEqual([]);
  });

  it('learns the name of a fault from one recording', async () => {
    const byHand = await writeDetector(withThreshold(await readDetector(detector.bytes), { threshold: 1.5 }));
    const {
      bytes,
      warnings,
      detector: grown,
    } = await pool.extend(byHand, [{ sound: asFile(worn[0]), name: 'w', label: 'worn' }]);
    expect([warnings, grown.threshold, (await readDetector(bytes)).threshold]).toEqual([[], 1.5, 1.5]);
    expect(grown.entries.filter((entry) => isNormal(entry, grown.settings))).toHaveLength(16);
    const learned = { key: 'pump@2', bytes };
    const [bad] = await pool.hear({ sound: asFile(worn[1]), detector: learned, startMs });
    const [good] = await pool.hear({ sound: asFile(fresh), detector: learned, startMs });
    expect([bad.diagnosis?.label, good.diagnosis?.label]).toEqual(['worn', 'normal']);
  });

  it('refuses where no recording can be used', async () => {
    const sound: Sound = { kind: 'bytes', bytes: Buffer.from('x'), name: 'x' };
    await expect(pool.extend(detector.bytes, [{ sound, name: 'x' }])).rejects.toThrow(/^extend: none of 1 recordings/);
  });
});

describe('picture', () => {
  it('shows the segment in which the moment lies, with what deviates there', async () => {
    const shown = await pool.picture(asBytes(worn[0]), detector, 0.4);
    const [recording] = await readRecordingFile(worn[0]);
    const direct = pictureSpectrogram(recording.channels[0].subarray(2000, 4000), 8000);
    expect(shown.durationSeconds).toBe(0.25);
    expect(shown.spectrogram).toEqual({
      frames: direct.frames,
      bins: direct.bins,
      maxHz: 4000,
      values: direct.values,
      dbRange: direct.dbRange,
    });
    expect(shown.deviation?.values).toHaveLength(
      Number(shown.deviation?.steps) * Number(shown.deviation?.bands.length),
    );
    const whole = await pool.picture(asFile(worn[0]));
    expect(whole.durationSeconds).toBe(0.5);
    expect(whole.deviation).toBeUndefined();
    expect(whole.waveform.max).toHaveLength(1000);
  });
});

describe('inspect, playable and describe', () => {
  it('say what a file is', async () => {
    const data = new Float32Array(6 * 8000).map((_, i) => 5 * Math.sin(i));
    const bytes = writeNpy({ shape: [2, 3, 8000], data });
    const sound: Sound = { kind: 'bytes', bytes, name: 'run.npy', read: { sampleRate: 96_000 } };
    expect(await pool.inspect(sound)).toEqual({ sampleRate: 96_000, durationSeconds: 1 / 6, recordings: 2 });
    const [wav] = await readRecordings(await pool.playable(sound));
    expect([wav.channels.length, wav.sampleRate, wav.channels[0].length]).toEqual([2, 48_000, 4000]);
    expect(Math.max(...wav.channels[0].map(Math.abs))).toBeLessThanOrEqual(1);
    await expect(pool.inspect({ kind: 'bytes', bytes: Buffer.from('x'), name: 'x' })).rejects.toThrow(InputError);
  });

  it('says what a detector is, and moves its threshold', async () => {
    const known = await readDetector(detector.bytes);
    const same = await pool.describe(detector.bytes);
    expect(same).toMatchObject({ encoder: plan.encoder, sampleRate: 8000, threshold: known.threshold, segments: 16 });
    expect(Buffer.from(same.bytes).equals(Buffer.from(detector.bytes))).toBe(true);
    const moved = await pool.describe(detector.bytes, { threshold: 3 });
    expect((await readDetector(moved.bytes)).threshold).toBe(3);
    await expect(pool.describe(Buffer.from('no detector'))).rejects.toThrow(InputError);
  });
});

it('holds a bounded queue, and waits for what runs at the end', async () => {
  const small = createHearingPool({ threads: 1, capacity: 1 });
  const jobs = Array.from({ length: 4 }, () =>
    small.hear({ sound: asFile(fresh), detector, startMs }).catch((error: unknown) => error),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(small.load()).toEqual({ waiting: 1, running: 1, threads: 1 });
  const [, , ...refused] = await Promise.all(jobs);
  expect(refused.every((error) => error instanceof QueueFullError)).toBe(true);
  const last = small.hear({ sound: asFile(fresh), detector, startMs });
  await small.close();
  expect(await last).toMatchObject([{ anomalous: false }]);
  await expect(small.hear({ sound: asFile(fresh), detector, startMs })).rejects.toThrow(/closing/);
});
