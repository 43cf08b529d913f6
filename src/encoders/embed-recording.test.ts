import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { embedRecording, type Preparation, prepareRecording } from './embed-recording.ts';
import { addFrames } from './frame-sums.ts';
import { createSpectral, spectralSettings } from './spectral.ts';
import type { Encoder } from './types.ts';

const spectral = createSpectral('spectral', spectralSettings.spectral);

/** An encoder that answers with the first sample, the last and their number, and remembers what it was given. */
function createListener(): { encoder: Encoder; batches: Recording[][] } {
  const batches: Recording[][] = [];
  const embedMany: Encoder['embedMany'] = async (recordings) => {
    batches.push([...recordings]);
    return recordings.map(({ channels: [samples] }) => ({
      vector: Float32Array.of(samples[0], samples[samples.length - 1], samples.length),
      bands: [{ lowHz: 0, highHz: 500, start: 0, end: 3 }],
    }));
  };
  const embed: Encoder['embed'] = async (recording) => (await embedMany([recording]))[0];
  return { encoder: { id: 'listener', fingerprint: 'listener', embed, embedMany, release: async () => {} }, batches };
}

/** Channel c counts up from 1000 c. */
const counting = (samples: number, channels = 1, sampleRate = 1000): Recording => ({
  channels: Array.from({ length: channels }, (_, c) => Float32Array.from({ length: samples }, (_, i) => 1000 * c + i)),
  sampleRate,
  name: 'counting',
});

const noise = (seed: string, samples: number, channels = 1): Recording => {
  const random = createRandom(seed);
  const channel = () => Float32Array.from({ length: samples }, () => random.gaussian());
  return { channels: Array.from({ length: channels }, channel), sampleRate: 8000, name: seed };
};

const whole: Preparation = { channel: 0, segmentSeconds: null };

describe('embedRecording', () => {
  it('embeds every segment of the part and channel that are asked for', async () => {
    const { encoder } = createListener();
    const preparation: Preparation = { channel: 1, segmentSeconds: 0.1, part: { from: 50, to: 100, unit: '%' } };
    const found = await embedRecording(encoder, counting(500, 2), preparation);
    expect(found.segments.map(({ vector }) => [...vector])).toEqual([
      [1250, 1349, 100],
      [1350, 1449, 100],
      [1400, 1499, 100],
    ]);
    expect(found.segments.map(({ durationSeconds }) => durationSeconds)).toEqual([0.1, 0.1, 0.1]);
    expect(found).toMatchObject({
      name: 'counting',
      sampleRate: 1000,
      originalSampleRate: 1000,
      durationSeconds: 0.25,
      channelCount: 2,
      constant: false,
      bands: [{ lowHz: 0, highHz: 500, start: 0, end: 3 }],
    });
    expect(found.frameSums).toBeUndefined();
  });

  it('joins the embeddings of all channels, their bands one after the other', async () => {
    const { encoder, batches } = createListener();
    const found = await embedRecording(encoder, counting(300, 3), { channel: 'all', segmentSeconds: 0.15 });
    expect(found.segments.map(({ vector }) => [...vector])).toEqual([
      [0, 149, 150, 1000, 1149, 150, 2000, 2149, 150],
      [150, 299, 150, 1150, 1299, 150, 2150, 2299, 150],
    ]);
    expect(found.bands.map(({ start, end, lowHz }) => [start, end, lowHz])).toEqual([
      [0, 3, 0],
      [3, 6, 0],
      [6, 9, 0],
    ]);
    expect(batches.flat().every(({ channels }) => channels.length === 1)).toBe(true);
  });

  it('hands segments over in batches, and puts the results in order', async () => {
    const { encoder, batches } = createListener();
    const { segments } = await embedRecording(encoder, counting(1000), { channel: 'mean', segmentSeconds: 0.02 });
    expect(segments).toHaveLength(50);
    expect(segments.map(({ vector }) => vector[0])).toEqual(Array.from({ length: 50 }, (_, i) => 20 * i));
    expect(batches.length).toBeGreaterThan(1);
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(16);
  });

  it('resamples where it may, and only then', async () => {
    const recording = noise('resampled', 1600);
    const found = await embedRecording(spectral, recording, { ...whole, sampleRate: 4000, resample: true });
    const channels = [resample(recording.channels[0], 8000, 4000)];
    const { vector } = await spectral.embed({ ...recording, channels, sampleRate: 4000 });
    expect(found.segments[0].vector).toEqual(vector);
    expect([found.sampleRate, found.originalSampleRate, found.durationSeconds]).toEqual([4000, 8000, 0.2]);
    const refused = embedRecording(spectral, recording, { ...whole, sampleRate: 4000 });
    await expect(refused).rejects.toBeInstanceOf(InputError);
    await expect(refused).rejects.toThrow(
      'resampled: sampled at 8000 Hz, expected 4000 Hz; convert it with --resample',
    );
    await expect(embedRecording(spectral, recording, { ...whole, sampleRate: 8000 })).resolves.toBeDefined();
  });

  it('brings sums of the frames of all segments, or the frames themselves', async () => {
    const recording = noise('frames', 4000);
    const preparation = { ...whole, segmentSeconds: 0.2 };
    const values = await embedRecording(spectral, recording, preparation, 'values');
    const sums = await embedRecording(spectral, recording, preparation, 'sums');
    expect(values.segments).toHaveLength(3);
    const wanted = values.segments.reduce<ReturnType<typeof addFrames> | undefined>(
      (before, { frames }) => (frames ? addFrames(before, frames) : before),
      undefined,
    );
    expect(wanted?.count).toBe(3 * 48); // 1 + floor((1600 - 80) / 32) of each segment
    expect(sums.frameSums).toEqual(wanted);
    expect(sums.segments.every(({ frames }) => frames === undefined)).toBe(true);
    expect(values.frameSums).toBeUndefined();
    const vectors = (one: typeof sums) => one.segments.map(({ vector }) => vector);
    expect(vectors(values)).toEqual(vectors(sums));
  });

  it('has the frames of the first channel where all are embedded', async () => {
    const recording = noise('three', 1600, 3);
    const all = await embedRecording(spectral, recording, { channel: 'all', segmentSeconds: null }, 'values');
    const first = await embedRecording(spectral, recording, whole, 'values');
    expect(all.segments[0].frames).toEqual(first.segments[0].frames);
    expect(maxDifference(all.segments[0].vector.subarray(0, 82), first.segments[0].vector)).toBe(0);
  });

  it('notices silence', async () => {
    const silent = { channels: [new Float32Array(800).fill(0.25)], sampleRate: 8000, name: 'dead' };
    expect((await embedRecording(spectral, silent, whole)).constant).toBe(true);
    const late = { ...silent, channels: [silent.channels[0].map((value, i) => (i > 600 ? 0 : value))] };
    expect((await embedRecording(spectral, late, whole)).constant).toBe(false);
    const part: Preparation = { ...whole, part: { from: 0, to: 50, unit: '%' } };
    expect((await embedRecording(spectral, late, part)).constant).toBe(true);
  });
});

describe('prepareRecording', () => {
  it('looks for numbers that are none in the part alone', () => {
    const recording = counting(100);
    recording.channels[0][70] = Number.NEGATIVE_INFINITY;
    expect(() => prepareRecording(recording, whole)).toThrow(InputError);
    expect(() => prepareRecording(recording, whole)).toThrow('counting: sample 70 of channel 1 is -Infinity');
    const part = { from: 0, to: 70, unit: '%' } as const;
    expect(prepareRecording(recording, { ...whole, part }).channels[0]).toHaveLength(70);
  });
});
