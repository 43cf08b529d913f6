// What a step of fine-tuning is made of: rates, low-rank targets, drop path, augmentation.
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { tinyEncoder, tinyNames } from '../../encoders/tiny-encoders.test-util.ts';
import { within } from '../../encoders/tuned.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import { type Feeds, float32, type Value } from '../../graph/runtime.ts';
import { createScope, parametersOf } from '../../nn/parameters.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { initialParameters } from '../initialise.ts';
import { CROP, cropsFrom, RATE, type TinyPlan, tinyPlan } from './tune.test-util.ts';
import { layerRate, type TuneOptions } from './tune.ts';

const random = () => createRandom('step 1');
const namesOf = ({ recipe }: TinyPlan): string[] => {
  const { loss, buffers = new Map() } = recipe.plan(random()).graph();
  return [...parametersOf([loss, ...buffers.values()]).keys()];
};

describe('layerRate', () => {
  it.each(tinyNames)('%s: falls from block to block, to what is heard before them', (name) => {
    const plan = tinyPlan(name, { layerDecay: 0.5 });
    const { trunk, recipe } = plan;
    const scope = within(createScope(), 'trunk.');
    const { states } = trunk.graph(scope, { count: 1, samples: CROP, sampleRate: RATE });
    // The state that a parameter is first met in says where it stands.
    const blocks = states.length - 1;
    const expected = new Map<string, number>();
    for (const [i, state] of states.entries()) {
      for (const own of parametersOf([state]).keys()) {
        if (!expected.has(own)) expected.set(own, 0.5 ** (blocks + 1 - i));
      }
    }
    if (name === 'xls-r') {
      for (const part of ['weight', 'bias']) expected.set(`trunk.encoder.layer_norm.${part}`, 1);
    }
    const names = namesOf(plan);
    for (const own of names) expect([own, recipe.parameters?.rate?.(own)]).toEqual([own, expected.get(own) ?? 1]);
    expect(names.filter((own) => own.startsWith('trunk.')).sort()).toEqual([...expected.keys()].sort());
    expect(new Set(expected.values()).size).toBe(name === 'xls-r' ? 4 : 3);
  });

  it('is 1 for the head, and everywhere at a decay of 1', () => {
    expect(layerRate('head.segments.layer.linear1.weight', 12, 0.65)).toBe(1);
    expect(layerRate('trunk.blocks.3.norm1.weight', 12, 1)).toBe(1);
    // EAT on ESC-50: 0.65^(12 - i).
    expect(layerRate('trunk.blocks.10.norm1.weight', 12, 0.65)).toBeCloseTo(0.65 ** 2, 12);
  });
});

describe('low-rank tuning', () => {
  const parts: Record<string, string[]> = {
    echo: ['self_attn.in_proj_weight', 'self_attn.out_proj.weight'],
    ...Object.fromEntries(
      ['fisher', 'eat', 'ced', 'dasheng', 'audiomae'].map((name) => [name, ['attn.qkv.weight', 'attn.proj.weight']]),
    ),
    beats: ['q', 'k', 'v', 'out'].map((part) => `self_attn.${part}_proj.weight`),
    ...Object.fromEntries(
      ['wav2vec2', 'xls-r', 'wavlm'].map((name) => [
        name,
        ['q', 'k', 'v', 'out'].map((part) => `attention.${part}_proj.weight`),
      ]),
    ),
  };

  it.each(tinyNames)('%s: adds to the matrices of attention and to nothing else', (name) => {
    const plan = tinyPlan(name, { tuning: { kind: 'low-rank', rank: 2, alpha: 4 } });
    const names = namesOf(plan);
    const adapted = names.filter((own) => own.endsWith('.lora_a')).map((own) => own.slice(0, -'.lora_a'.length));
    const layers = names.some((own) => own.includes('encoder.layers.0')) ? 'encoder.layers' : 'blocks';
    const expected = [0, 1].flatMap((i) => parts[name].map((part) => `trunk.${layers}.${i}.${part}`));
    expect(adapted.sort()).toEqual(expected.sort());
    const free = names.filter((own) => !plan.recipe.parameters?.frozen?.(own));
    expect(free.filter((own) => own.startsWith('trunk.')).sort()).toEqual(
      expected.flatMap((own) => [`${own}.lora_a`, `${own}.lora_b`]).sort(),
    );
  });
});

/** The loss of a plan's graph as a function of its inputs, with weights drawn from a seed. */
async function lossOf({ recipe }: TinyPlan) {
  const { loss } = recipe.plan(random()).graph();
  const shapes = parametersOf([loss]);
  const constants = initialParameters(shapes, 1, 1, 'glorot');
  for (const [name, own] of recipe.initial?.(shapes, 1) ?? []) constants.set(name, own);
  const program = await loadProgram(toOnnx({ outputs: { loss }, constants }).bytes);
  return {
    of: async (feeds: Feeds): Promise<number> => Number((await program.run(feeds)).loss.data[0]),
    release: () => program.release(),
  };
}

describe('drop path', () => {
  const separate: Partial<TuneOptions> = { batch: 2, objective: { kind: 'softmax' } };
  const shape = { mix: false, pooling: 'mean', embedding: undefined } as const;
  const crops = cropsFrom(0, 2);
  const feedsOf = (plan: TinyPlan) => plan.recipe.plan(random()).feeds(crops, random());
  /** Factors of both crops, the same in all blocks. */
  const factors = (...own: [number, number]): Value =>
    float32(Float32Array.from([...own, ...own, ...own, ...own]), [4, 2]);

  it('at a rate of 0 is not in the graph', () => {
    expect(Object.keys(feedsOf(tinyPlan('echo', separate, shape)))).not.toContain('dropPath');
  });

  it.each(tinyNames)('%s: drops all branches of a crop, and none of the other', async (name) => {
    const plans = [tinyPlan(name, separate, shape), tinyPlan(name, { ...separate, dropPath: 0.5 }, shape)];
    const [plain, dropping] = await Promise.all(plans.map(lossOf));
    const { dropPath: _, ...feeds } = feedsOf(plans[1]);
    expect(await dropping.of({ ...feeds, dropPath: factors(1, 1) })).toBeCloseTo(await plain.of(feeds), 5);
    // Only the first crop counts: of a crop without a class the loss is 0.
    const labels = float32(Float32Array.of(1, 0, 0, 0, 0, 0), [2, 3]);
    const first = (...own: [number, number]) => dropping.of({ ...feeds, labels, dropPath: factors(...own) });
    const [whole, dropped] = [await first(1, 1), await first(0, 0)];
    expect(Math.abs(whole - dropped)).toBeGreaterThan(1e-3);
    expect(await first(1, 0)).toBeCloseTo(whole, 5);
    expect(await first(0, 1)).toBeCloseTo(dropped, 5);
    await Promise.all([plain.release(), dropping.release()]);
  });

  it('draws factors for both branches of every block, linear in its number', () => {
    const plan = tinyPlan('echo', { batch: 400, dropPath: 0.2 }, shape);
    const { dropPath } = plan.recipe
      .plan(random())
      .feeds(cropsFrom(0, 1).concat(Array(399).fill(cropsFrom(0, 1)[0])), random());
    expect(dropPath.shape).toEqual([4, 400]);
    const rows = [0, 1, 2, 3].map((row) => (dropPath.data as Float32Array).slice(400 * row, 400 * (row + 1)));
    expect(rows.map((row) => [...new Set(row)].sort())).toEqual([[1], [1], [0, 1.25], [0, 1.25]]);
    for (const row of rows.slice(2)) {
      const share = row.filter((factor) => factor === 0).length / 400;
      expect(share).toBeGreaterThan(0.12);
      expect(share).toBeLessThan(0.28);
    }
    expect(rows[2]).not.toEqual(rows[3]);
  });
});

describe('augmentation of features', () => {
  const heardOf = (augmentation: TuneOptions['augmentation'], name = 'eat') => {
    const plan = tinyPlan(name, { augmentation });
    return plan.recipe.plan(random()).feeds(cropsFrom(0, 4), random());
  };
  const rowsOf = ({ data, shape }: Value): Float32Array[] => {
    const size = data.length / shape[0];
    return Array.from({ length: shape[0] }, (_, i) => (data as Float32Array).slice(i * size, (i + 1) * size));
  };
  const plain = heardOf({});

  it('is none without options', () => {
    expect([...plain.labels.data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0]);
    const { trunk } = tinyEncoder('eat');
    const features = cropsFrom(0, 4).map(({ samples }) => trunk.features(samples, RATE));
    expect(plain.patches).toEqual(trunk.feeds(features, RATE).patches);
  });

  it('mixes crops and labels by one share', () => {
    const mixed = heardOf({ mixup: 0.8 });
    const labels = rowsOf(mixed.labels);
    // The second crop is of class 1, its partner, the third, of class 2.
    const share = labels[1][1];
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(maxDifference(labels[1], [0, share, 1 - share])).toBeLessThan(1e-6);
    const [own, partner] = [rowsOf(plain.patches)[1], rowsOf(plain.patches)[2]];
    const expected = own.map((value, i) => share * value + (1 - share) * partner[i]);
    expect(maxDifference(rowsOf(mixed.patches)[1], expected)).toBeLessThan(1e-5);
  });

  it.each([
    'eat',
    'echo',
    'beats',
    'ced',
    'wav2vec2',
  ])('hides parts of what %s hears, other ones of every crop', (name) => {
    const [before, after] = [heardOf({}, name), heardOf({ specAugment: 0.6 }, name)];
    const input = name === 'wav2vec2' ? 'samples' : 'patches';
    const [was, is] = [before[input], after[input]].map((value) => value.data as Float32Array);
    const changed = [...is.keys()].filter((i) => is[i] !== was[i]);
    expect(changed.length).toBeGreaterThan(0.05 * is.length);
    expect(new Set(changed.map((i) => is[i]))).toEqual(new Set([0]));
    const places = rowsOf(after[input]).map((row) => row.indexOf(0));
    expect(new Set(places).size).toBeGreaterThan(1);
  });

  it('adds noise to features', () => {
    const noisy = heardOf({ featureNoise: true });
    expect(noisy.labels).toEqual(plain.labels);
    expect(maxDifference(noisy.patches.data as Float32Array, plain.patches.data as Float32Array)).toBeGreaterThan(0.01);
  });

  it('is the same for the same step, and another for another', () => {
    const options = { mixup: 0.8, specAugment: 0.4, featureNoise: true };
    expect(heardOf(options)).toEqual(heardOf(options));
    const other = tinyPlan('eat', { augmentation: options })
      .recipe.plan(random())
      .feeds(cropsFrom(0, 4), createRandom('2'));
    expect(other.patches).not.toEqual(heardOf(options).patches);
  });
});

describe('tuneRecipe', () => {
  it('refuses a single class', () => {
    const one = { count: 1, of: () => [0] };
    expect(() => tinyPlan('echo', {}, {}, one)).toThrow(/^finetune: expected at least 2 classes, got 1; /);
  });

  it('counts every class of a crop that has several', () => {
    const several = { count: 3, of: ({ classIndex }: { classIndex: number }) => [0, classIndex] };
    const plan = tinyPlan('echo', { objective: { kind: 'binary', per: 'labels' } }, {}, several);
    const { labels } = plan.recipe.plan(random()).feeds(cropsFrom(0, 4), random());
    expect([...labels.data]).toEqual([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0]);
  });

  it('leaves positions that are fixed as they are', () => {
    const { recipe } = tinyPlan('audiomae');
    expect(recipe.parameters?.frozen?.('trunk.pos_embed')).toBe(true);
    expect(recipe.parameters?.frozen?.('trunk.time_pos_embed')).toBe(false);
    expect(recipe.parameters?.frozen?.('head.norm.running_mean')).toBe(true);
  });
});
