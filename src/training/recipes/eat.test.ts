import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recogniseWeights } from '../../encoders/build.ts';
import { eatPatches, eatSizes, eatSpectrogram } from '../../encoders/eat.ts';
import type { Architecture } from '../../encoders/family.ts';
import { identifyEncoder, loadEncoder, namedArchitectures, readCheckpoint } from '../../encoders/load.node.ts';
import type { Feeds } from '../../graph/runtime.ts';
import { parametersOf } from '../../nn/parameters.ts';
import { InputError } from '../../signal/errors.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import type { Clip } from '../data/types.ts';
import { exportEncoder } from '../export-encoder.node.ts';
import { initialParameters } from '../initialise.ts';
import { TEACHER_PREFIX } from '../self-distillation.ts';
import { compileStep, initialState, type TrainingState } from '../step.ts';
import { EAT_MAX_ROWS, eatRecipe, eatRecipeDefaults } from './eat.ts';

/** Noise of this many frames at 16 kHz, of as long at other rates. */
function clipOf(frames: number, sampleRate = 16_000, n = 0): Clip {
  const random = createRandom(`clip ${n}`);
  const length = Math.ceil(((400 + 160 * (frames - 1)) * sampleRate) / 16_000);
  return { samples: Float32Array.from({ length }, () => random.gaussian(0, 0.1)), sampleRate, source: `clip ${n}` };
}

const config = { width: 32, depth: 2, heads: 2 };
const options = { ...eatRecipeDefaults, batch: 2, clones: 3, patches: 5 };
const recipe = eatRecipe(config, options);
const plan = recipe.plan(createRandom(1));
const clips = [clipOf(82), clipOf(90, 44_100, 1)];

const shapesOf = (feeds: Feeds) => Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
const integers = (feeds: Feeds, name: string) => Array.from(feeds[name].data as BigInt64Array, Number);

describe('eatRecipe', () => {
  it('does a step with finite losses', async () => {
    const feeds = plan.feeds(clips, createRandom(2));
    // 6 students of 5 x 8 patches, 8 of them kept.
    expect(shapesOf(feeds)).toEqual({
      patches: [2, 40, 256],
      noise: [240, 32],
      visible: [48],
      places: [48],
      masked: [192],
      maskedTargets: [192],
      rows: [6],
    });
    const step = await compileStep(plan.graph(), recipe.adamW);
    const state = initialState(step, initialParameters(step.shapes, 3, recipe.tokenDeviation));
    const { watched, gradients } = await step.gradients(state, feeds);
    const norm = await step.update(state, [gradients], recipe.scalars(1));
    await step.release();
    expect(Object.keys(watched).sort()).toEqual(['clsSpread', 'frameLoss', 'loss', 'targetSpread', 'utteranceLoss']);
    for (const [name, value] of Object.entries(watched)) expect(value > 0 && value < 1e6, name).toBe(true);
    expect(watched.loss).toBeCloseTo(watched.frameLoss + watched.utteranceLoss, 3);
    expect(norm).toBeGreaterThan(0);
    for (const values of state.parameters.values()) expect(values.every(Number.isFinite)).toBe(true);
    expect(state.step).toBe(1);
  });

  it.each([4, 5, 6, 12])('lets every student see a fifth of the cells of its clip, %i x 8 of them', (patches) => {
    const kept = Math.floor(0.2 * patches * 8);
    const own = eatRecipe(config, { ...options, patches }).plan(createRandom(1));
    const feeds = own.feeds([clipOf(192), clipOf(192, 16_000, 1)], createRandom(7));
    const [visible, masked] = [integers(feeds, 'visible'), integers(feeds, 'maskedTargets')];
    expect([visible.length, masked.length]).toEqual([6 * kept, 6 * (8 * patches - kept)]);
    const students = Array.from({ length: 6 }, (_, n) => visible.slice(n * kept, (n + 1) * kept));
    for (const [n, cells] of students.entries()) {
      expect(new Set(cells).size).toBe(kept);
      expect(cells.every((cell) => Math.floor(cell / (8 * patches)) === Math.floor(n / 3))).toBe(true);
    }
    expect(integers(feeds, 'rows')).toEqual([0, 0, 0, 1, 1, 1]);
    expect(new Set(students.map((cells) => cells.map((cell) => cell % (8 * patches)).join())).size).toBe(6);
  });

  it('starts anywhere where the patches still fit, at 16 kHz', () => {
    const starts = clips.map(() => new Set<number>());
    const spectra = clips.map(({ samples, sampleRate }) => eatSpectrogram(samples, sampleRate));
    expect(spectra.map(({ frames }) => frames)).toEqual([82, 90]);
    for (let seed = 0; seed < 60; seed++) {
      const heard = plan.feeds(clips, createRandom(seed)).patches.data as Float32Array;
      for (const [c, spectrum] of spectra.entries()) {
        const own = heard.subarray(c * 40 * 256, (c + 1) * 40 * 256);
        const places = Array.from({ length: spectrum.frames - 79 }, (_, from) => from);
        const start = places.find((from) =>
          eatPatches(spectrum, from, 80).values.every((value, i) => value === own[i]),
        );
        expect(start).toBeDefined();
        starts[c].add(start as number);
      }
    }
    expect(starts.map(({ size }) => size)).toEqual([3, 11]);
  });

  it('refuses a clip that is one frame short', () => {
    const short = [16_000, 8000].map((rate) => clipOf(79, rate, 7));
    for (const clip of short) {
      const feeds = () => plan.feeds([clips[0], clip], createRandom(1));
      expect(feeds).toThrow(InputError);
      expect(feeds).toThrow(
        'pretrain eat: expected clips of at least 80 frames, got 79 (clip 7); use longer clips or fewer patches',
      );
    }
  });

  it('warms up, and ends with a learning rate of zero', () => {
    expect(recipe.scalars(500).learningRate).toBeCloseTo(2.5e-4, 12);
    expect(recipe.scalars(1000).learningRate).toBeCloseTo(5e-4, 12);
    expect(recipe.scalars(20_000)).toEqual({ learningRate: 0, weightDecay: 0.05, clipNorm: 4, decay: 0.99999 });
  });

  it('reaches as far as the published positions', () => {
    expect(EAT_MAX_ROWS).toBe(768);
  });
});

describe('exportEncoder', () => {
  let folder: WavFolder;
  beforeAll(() => {
    folder = createWavFolder();
  });
  afterAll(() => folder.remove());

  const architecture = namedArchitectures.get('eat-tiny') as Architecture;

  /** Before the first step, decoder and teacher beside the encoder. */
  function pretraining(): TrainingState {
    const { graph } = eatRecipe(eatSizes.tiny, options).plan(createRandom(1));
    const all = [...parametersOf([graph().loss])];
    const shapes = new Map(all.filter(([name]) => !name.startsWith(TEACHER_PREFIX)));
    const teacherNames = all.flatMap(([name]) => (shapes.has(name) ? [] : [name.slice(TEACHER_PREFIX.length)]));
    return initialState({ shapes, trainedNames: [...shapes.keys()], teacherNames }, initialParameters(shapes, 3, 1));
  }

  it('writes an EAT that is known as one, although it is as narrow as FISHER', async () => {
    const out = folder.path('eat.safetensors');
    const { fromStudent } = exportEncoder(pretraining(), architecture, out);
    expect(fromStudent).toEqual(['blocks.11.norm2.weight', 'blocks.11.norm2.bias']);
    const { weights, hints } = readCheckpoint(out);
    expect(hints).toEqual({ family: 'eat', heads: 3 });
    expect(recogniseWeights(weights, hints)).toMatchObject({ family: 'eat', config: eatSizes.tiny });
    expect(recogniseWeights(weights).family).toBe('fisher');
    expect((await identifyEncoder({ encoder: out })).fingerprint).toMatch(/^eat:/);
    const encoder = await loadEncoder({ encoder: out });
    const [{ samples, sampleRate }] = clips;
    const { vector } = await encoder.embed({ channels: [samples], sampleRate, name: 'clip' });
    await encoder.release();
    expect(vector).toHaveLength(192);
    expect(vector.every(Number.isFinite)).toBe(true);
  });
});
