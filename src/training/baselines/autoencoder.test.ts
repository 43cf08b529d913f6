import { beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { readSafetensors, writeSafetensors } from '../../graph/safetensors.ts';
import { InputError } from '../../signal/errors.ts';
import { type MachineName, simulate } from '../../signal/simulate/index.ts';
import {
  type AutoencoderClip,
  type AutoencoderModel,
  createAutoencoderScorer,
  trainAutoencoder,
} from './autoencoder.ts';
import { readAutoencoder, readMobileNet, writeAutoencoder } from './baseline-file.ts';
import type { EpochProgress } from './epochs.ts';

const RATE = 16000;

const sound = (machine: MachineName, seed: number, domain: 'source' | 'target' = 'source') =>
  simulate({ machine, seed, domain, sampleRate: RATE, seconds: 2 }).recording.channels[0];

const clips: AutoencoderClip[] = ([...'ssssstt'] as const).map((letter, seed) => {
  const domain = letter === 's' ? 'source' : 'target';
  return { samples: sound('fan', seed, domain), sampleRate: RATE, domain };
});

const options = { epochs: 25, batch: 64, learningRate: 3e-3, seed: 3 };

describe('trainAutoencoder', () => {
  let model: AutoencoderModel;
  const progress: EpochProgress[] = [];
  beforeAll(async () => {
    model = await trainAutoencoder(clips, { ...options, onEpoch: (now) => progress.push(now) });
  }, 180_000);

  it('lowers the loss', () => {
    expect(progress.at(-1)?.epoch).toBe(25);
    expect(progress[24].loss).toBeLessThan(0.1 * progress[0].loss);
  });

  it('scores other machines above the thresholds, and far above an unseen recording of its own', async () => {
    const scorer = await createAutoencoderScorer(model);
    const of = (machine: MachineName) => scorer.score(sound(machine, 50), RATE);
    // What is loud where a fan is quiet is not reconstructed; Mahalanobis distances see that a pump is like no fan at all.
    const [own, valve, pump] = [await of('fan'), await of('valve'), await of('pump')];
    expect(valve.mse).toBeGreaterThan(model.thresholds.mse);
    expect(valve.mse).toBeGreaterThan(1.5 * own.mse);
    for (const mode of ['official', 'conventional'] as const) {
      expect(pump.mahalanobis[mode]).toBeGreaterThan(model.thresholds.mahalanobis[mode]);
      expect(pump.mahalanobis[mode]).toBeGreaterThan(1.2 * own.mahalanobis[mode]);
    }
    await scorer.release();
  });

  it('sets thresholds that most of its own recordings keep', async () => {
    const scorer = await createAutoencoderScorer(model);
    const scores = [];
    for (const { samples } of clips) scores.push((await scorer.score(samples, RATE)).mse);
    await scorer.release();
    expect(scores.filter((score) => score > model.thresholds.mse).length).toBeLessThan(3);
    expect(Math.min(...scores)).toBeLessThan(model.thresholds.mse);
  });

  it('scores by the running statistics', async () => {
    const parameters = new Map(model.parameters);
    const mean = parameters.get('encoder.1.running_mean') as Float32Array;
    parameters.set(
      'encoder.1.running_mean',
      mean.map((value) => value + 10),
    );
    const [as, moved] = [await createAutoencoderScorer(model), await createAutoencoderScorer({ ...model, parameters })];
    const samples = sound('fan', 50);
    expect((await moved.score(samples, RATE)).mse).not.toBeCloseTo((await as.score(samples, RATE)).mse, 1);
    await Promise.all([as.release(), moved.release()]);
  });

  it('comes to the same model from the same seed', async () => {
    const trained = async (seed: number) =>
      Buffer.from(writeAutoencoder(await trainAutoencoder(clips.slice(3), { ...options, epochs: 1, seed })));
    const first = await trained(5);
    expect((await trained(5)).equals(first)).toBe(true);
    expect((await trained(6)).equals(first)).toBe(false);
  });

  it('keeps a model in a file', () => {
    const bytes = writeAutoencoder(model);
    const { parameters, covariances, ...settings } = readAutoencoder(bytes);
    const { parameters: before, covariances: known, ...given } = model;
    expect(settings).toEqual(given);
    expect([...parameters.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, values] of before) expect(maxDifference(parameters.get(name) ?? [], values), name).toBe(0);
    for (const domain of ['source', 'target'] as const) {
      expect(maxDifference(covariances[domain], known[domain])).toBe(0);
    }
    expect(Buffer.from(writeAutoencoder(readAutoencoder(bytes))).equals(bytes)).toBe(true);
  });

  it('refuses files that are no autoencoder, newer, or damaged', () => {
    const bytes = writeAutoencoder(model);
    const { tensors, metadata } = readSafetensors(bytes);
    const changed = (settings: object) =>
      writeSafetensors(tensors, { thrum: JSON.stringify({ ...JSON.parse(metadata.thrum), ...settings }) });
    const refusal = (file: Uint8Array) => () => readAutoencoder(file, 'a.safetensors');
    expect(() => readMobileNet(bytes, 'a.safetensors')).toThrow(
      'readMobileNet: expected thrum-mobilenet in a.safetensors, found thrum-autoencoder',
    );
    expect(refusal(writeSafetensors(tensors))).toThrow('found a safetensors file of another kind; train a baseline');
    expect(refusal(writeSafetensors(tensors, { thrum: '{' }))).toThrow('a safetensors file of another kind');
    expect(refusal(changed({ version: 2 }))).toThrow(
      'a.safetensors has version 2, this Thrum reads up to 1; update Thrum',
    );
    expect(refusal(changed({ sampleRate: -1 }))).toThrow('a.safetensors: settings.sampleRate');
    const without = new Map([...tensors].filter(([name]) => name !== 'encoder.4.bias'));
    expect(refusal(writeSafetensors(without, metadata))).toThrow('expected encoder.4.bias as F32 [128], found none');
    const broken = { dtype: 'F32' as const, shape: [128], data: new Float32Array(128).fill(Number.NaN) };
    const spoilt = new Map(tensors).set('encoder.4.bias', broken);
    expect(refusal(writeSafetensors(spoilt, metadata))).toThrow(
      'expected finite values in encoder.4.bias, found NaN at 0',
    );
    expect(refusal(changed({ padding: 'none' }))).toThrow(InputError);
  });

  it('refuses recordings that it cannot score', async () => {
    const scorer = await createAutoencoderScorer(model);
    await expect(scorer.score(new Float32Array(2047), RATE)).rejects.toThrow(
      'AutoencoderScorer.score: expected at least 2048 samples (5 frames), got 2047; give a longer recording',
    );
    await expect(scorer.score(new Float32Array(4000), 8000)).rejects.toThrow(
      'expected 16000 Hz as in training, got 8000',
    );
    const broken = new Float32Array(4000).fill(Number.NaN);
    await expect(scorer.score(broken, RATE)).rejects.toThrow('expected finite samples, got NaN at sample 0');
    await scorer.release();
  });
});

describe('bad recordings to learn from', () => {
  it.each([
    [
      'short',
      [clips[0], { ...clips[1], samples: new Float32Array(100) }],
      {},
      'trainAutoencoder: recording 1: expected at least 2048 samples (5 frames), got 100',
    ],
    ['one', [clips[0]], {}, 'trainAutoencoder: expected at least 2 recordings, got 1'],
    ['batch of one', clips, { batch: 1 }, 'trainAutoencoder: expected batch as a whole number from 2 on, got 1'],
  ])('%s', async (_, given, change, message) => {
    await expect(trainAutoencoder(given, { ...options, ...change })).rejects.toThrow(message);
  });

  it('silence has no covariance', async () => {
    const silent = clips.map((clip) => ({ ...clip, samples: new Float32Array(8000) }));
    await expect(trainAutoencoder(silent, { ...options, epochs: 1 })).rejects.toThrow('has no inverse');
  });
});
