// Whole runs of fine-tuning on tiny encoders: what moves, what stays, what comes out, and that resuming changes nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { loadEncoder, loadWeights } from '../../encoders/load.node.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { exportEncoder } from '../export-encoder.node.ts';
import { memoryStore } from '../memory-store.test-util.ts';
import { plainState } from '../tuned-plan.ts';
import { CROP, cropAt, cropsFrom, RATE, type TinyPlan, tinyPlan, trained } from './tune.test-util.ts';
import type { Objective, TuneOptions } from './tune.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-tune-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'encoder.safetensors');

const lowRank = { kind: 'low-rank', rank: 3, alpha: 6 } as const;
const baseOf = ({ base }: TinyPlan, name: string): Float32Array | undefined => {
  const tensor = base.weights.get(name.slice('trunk.'.length));
  return name.startsWith('trunk.') && tensor ? toFloat32(tensor) : undefined;
};
const isSame = (a: Float32Array, b: Float32Array): boolean => a.every((value, i) => value === b[i]);

describe('a run of fine-tuning', () => {
  it('moves all parameters but the averages of batches, which move by themselves', async () => {
    const plan = tinyPlan('eat', {}, { pooling: 'attentive' });
    const { saved } = await trained(plan);
    for (const [name, values] of saved.parameters) {
      const before = baseOf(plan, name);
      if (before) expect([name, isSame(values, before)]).toEqual([name, false]);
      expect(saved.first.has(name)).toBe(!/\.running_(mean|var)$/.test(name));
    }
    const average = saved.parameters.get('head.norm.running_mean') as Float32Array;
    expect(maxDifference(average, new Float32Array(average.length))).toBeGreaterThan(1e-3);
  });

  it('of the head alone changes no weight of the encoder', async () => {
    const plan = tinyPlan('echo', { tuning: { kind: 'head' } });
    const { saved } = await trained(plan);
    for (const [name, values] of saved.parameters) {
      if (name.startsWith('trunk.')) expect([name, values]).toEqual([name, baseOf(plan, name)]);
      expect([name, saved.first.has(name)]).toEqual([name, /^head\.(?!norm\.running)/.test(name)]);
    }
    expect(saved.parameters.get('head.mix')).not.toEqual(new Float32Array(3));
  });

  it('of low-rank additions changes them alone, and the file has them in its matrices', async () => {
    const plan = tinyPlan('wav2vec2', { tuning: lowRank });
    const { saved } = await trained(plan);
    const merged = plainState(saved, lowRank);
    exportEncoder(merged, plan.architecture, file, { weights: 'student' });
    const { weights } = loadWeights({ encoder: file });
    let adapted = 0;
    for (const [name, tensor] of weights) {
      const before = baseOf(plan, name);
      if (!before) continue;
      expect([name, saved.parameters.get(name)]).toEqual([name, before]);
      const [a, b] = ['lora_a', 'lora_b'].map((part) => saved.parameters.get(`${name}.${part}`));
      const inputs = tensor.shape[1];
      const expected = before.map((value, at) => {
        if (!a || !b) return value;
        const [row, column] = [Math.floor(at / inputs), at % inputs];
        return value + [0, 1, 2].reduce((sum, r) => sum + 2 * b[row * 3 + r] * a[r * inputs + column], 0);
      });
      expect(maxDifference(toFloat32(tensor), expected), name).toBeLessThan(1e-6);
      if (!a) continue;
      expect(maxDifference(expected, before)).toBeGreaterThan(1e-4);
      adapted++;
    }
    expect(adapted).toBe(8);
    expect([...weights.keys()].filter((name) => name.includes('lora'))).toEqual([]);
  });

  const labels = { names: ['low', 'middle', 'high'], several: false };
  it.each<[string, Objective, Partial<TuneOptions>, object]>([
    ['margin', { kind: 'margin', scale: 30, margin: 0.2, convention: 'th_mm' }, {}, { pooling: 'mean' }],
    ['adacos', { kind: 'adacos', centres: 2 }, { tuning: lowRank, learningRate: 0.01 }, { pooling: 'attentive' }],
    ['softmax', { kind: 'softmax', smoothing: 0.1 }, {}, { labels, mix: false, embedding: undefined }],
    [
      'binary',
      { kind: 'binary', per: 'labels' },
      { tuning: { kind: 'head' }, learningRate: 0.01 },
      { labels, pooling: 'mean' },
    ],
  ])('by %s tells tones apart, also those it has not heard', async (_, objective, changes, shape) => {
    const plan = tinyPlan('echo', { objective, batch: 6, learningRate: 2e-3, steps: 60, ...changes }, shape);
    const { saved, records } = await trained(plan, { steps: 60 });
    const mean = (from: number, key: string) =>
      records.slice(from, from + 5).reduce((sum, record) => sum + record[key] / 5, 0);
    expect(mean(55, 'loss')).toBeLessThan(0.8 * mean(0, 'loss'));
    expect(mean(55, 'accuracy')).toBe(1);
    expect(records[59].learningRate).toBeLessThan(1e-6);
    exportEncoder(plainState(saved, plan.options.tuning), plan.architecture, file, { weights: 'student' });
    const encoder = await loadEncoder({ encoder: file });
    const centres = saved.parameters.get('head.classes.weight') as Float32Array;
    for (const { samples, sampleRate, classIndex } of cropsFrom(900, 6)) {
      const { vector, logits } = await encoder.embed({ channels: [samples], sampleRate, name: 'crop' });
      expect(logits === undefined).toBe(plan.config.labels === undefined);
      const rows = centres.length / vector.length;
      const cosines = Array.from({ length: rows }, (_, row) => {
        const own = centres.subarray(row * vector.length, (row + 1) * vector.length);
        return own.reduce((sum, value, d) => sum + value * vector[d], 0) / Math.hypot(...own);
      });
      const scores = logits ?? cosines;
      expect(Math.floor(scores.indexOf(Math.max(...scores)) / (scores.length / 3))).toBe(classIndex);
    }
    await encoder.release();
  });

  it.each<[string, string, Partial<TuneOptions>]>([
    ['of all weights', 'echo', { dropPath: 0.3, layerDecay: 0.7, augmentation: { mixup: 0.8, specAugment: 0.4 } }],
    ['of low-rank additions', 'wavlm', { tuning: lowRank, augmentation: { specAugment: 0.2 } }],
  ])('%s comes to the same numbers when it is stopped and resumed', async (_, name, changes) => {
    const shape = { pooling: 'attentive' } as const;
    const whole = await trained(tinyPlan(name, changes, shape), { accumulate: 2 });
    const store = memoryStore();
    let done = 0;
    await trained(tinyPlan(name, changes, shape), { accumulate: 2, stopped: () => ++done === 2 }, store);
    expect(store.saved?.step).toBe(2);
    const halves = await trained(tinyPlan(name, changes, shape), { accumulate: 2 }, store);
    const losses = ({ records }: typeof whole) =>
      records.map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]);
    expect(losses(halves)).toEqual(losses(whole));
    expect(losses(whole).map(([step]) => step)).toEqual([1, 2, 3, 4]);
    expect(halves.saved).toEqual(whole.saved);
  });

  it('refuses crops that are not finite, before they move anything', async () => {
    const broken = { ...cropAt(0), samples: new Float32Array(CROP).fill(Number.NaN) };
    const clips = async function* () {
      yield { clips: Array(4).fill(broken) };
    };
    await expect(trained(tinyPlan('wav2vec2'), { clips })).rejects.toThrow(/expected finite samples/);
    expect(broken.sampleRate).toBe(RATE);
  });
});
