// Losses of distillation against reference numbers, and their gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, randomNumbers } from '../../tests/check-operator.ts';
import { floats, maxDifference, readGolden } from '../../tests/golden.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { mul, sub } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { reduceSum, reshape } from '../graph/reshape.ts';
import { concat } from '../graph/slicing.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { crossEntropy } from './class-loss.ts';
import {
  annealedTemperature,
  attentionRouting,
  frontAlignment,
  softenedDivergence,
  softenedDivergences,
  softenedTerms,
} from './distillation-loss.ts';

const golden = readGolden('asc/data.safetensors');
const stored = (name: string): Tensor => {
  const { shape } = golden.get(name) as { shape: number[] };
  return constant(Float64Array.from(floats(golden, name)), shape, 'float64');
};
const valuesOf = (tensors: readonly Tensor[], feeds = new Map()) => evaluate(tensors, feeds).map(({ data }) => data);

describe('softenedDivergence', () => {
  it.each([1, 2, 4, 8])('has the reference numbers and gradients at temperature %i', (temperature) => {
    const of = (what: string) => `kd.T${temperature}.${what}`;
    const [zt, zs] = [stored(of('zt')), input('zs', [6, 10], 'float64')];
    const labels = golden.get(of('lab')) as { data: ArrayLike<bigint> };
    const shares = constant(
      Array.from({ length: 60 }, (_, i) => (Number(labels.data[Math.floor(i / 10)]) === i % 10 ? 1 : 0)),
      [6, 10],
      'float64',
    );
    const [clips, elements] = (['clips', 'elements'] as const).map((mean) =>
      softenedDivergence(zs, zt, constant([temperature], [], 'float64'), mean),
    );
    const ce = crossEntropy(zs, shares);
    const mixed = (divergence: Tensor) => sub(mul(ce, 0.02), mul(divergence, -0.98));
    const found = valuesOf(
      [
        softenedTerms(zs, zt, temperature),
        ...[elements, clips, mixed(elements), mixed(clips)],
        ...gradients(mixed(clips), [zs]),
        softenedDivergence(zs, zt, temperature),
      ],
      new Map([['zs', { shape: [6, 10], data: floats(golden, of('zs')) }]]),
    );
    const names = [
      'kl_elem',
      'kd_mean',
      'kd_batchmean',
      'loss_cpjku',
      'loss_batchmean',
      'grad_batchmean',
      'kd_batchmean',
    ];
    for (const [i, name] of names.entries()) {
      expect(maxDifference(found[i], floats(golden, of(name))), name).toBeLessThan(1e-12);
    }
  });

  it('has right gradients by student, teacher and temperature', async () => {
    await checkOperator({
      name: 'softened',
      inputs: { zs: ['batch', 4], zt: ['batch', 4], t: { shape: [], low: 1, high: 3 } },
      sizes: [{ batch: 3 }],
      build: ({ zs, zt, t }) => softenedDivergence(zs, zt, t),
    });
  });

  it('of many stages and layers is that of each pair', () => {
    const random = randomNumbers(3);
    const logits = (count: number) =>
      Array.from({ length: count }, () =>
        constant(
          Array.from({ length: 8 }, () => 6 * random()),
          [2, 4],
          'float64',
        ),
      );
    const [stages, layers] = [logits(2), logits(3)];
    const stacked = (parts: readonly Tensor[]) =>
      concat(
        parts.map((part) => reshape(part, [2, 1, 4])),
        1,
      );
    const pairs = stages.flatMap((stage) => layers.map((layer) => softenedDivergence(stage, layer, 3)));
    const [found, ...each] = valuesOf([softenedDivergences(stacked(stages), stacked(layers), 3), ...pairs]);
    expect(
      maxDifference(
        found,
        each.map(([value]) => value),
      ),
    ).toBeLessThan(1e-14);
    expect(new Set(each.map(([value]) => value)).size).toBe(6);
  });

  it('refuses logits of different classes', () => {
    expect(() => softenedDivergence(input('s', [2, 3]), input('t', [2, 4]), 2)).toThrow(
      'softenedDivergence: expected student and teacher of one shape, found [2, 3] and [2, 4]; map one to the other',
    );
  });
});

describe('annealedTemperature', () => {
  it.each([
    ['bounded', 'proposed'],
    ['published', 'paper'],
  ] as const)('%s has the reference numbers', (form, name) => {
    const epochs = Array.from(floats(golden, 'kd.sched.t'));
    const found = epochs.map((epoch) => annealedTemperature(epoch, { form }));
    expect(maxDifference(found, floats(golden, `kd.sched.${name}`))).toBeLessThan(1e-13);
  });

  it('starts at its highest', () => {
    expect(annealedTemperature(0)).toBe(8);
    expect(annealedTemperature(0, { highest: 4, lowest: 1 })).toBe(4);
  });
});

describe('frontAlignment', () => {
  it('has the reference number', () => {
    const [found] = valuesOf([frontAlignment(stored('front.zs'), stored('front.zt'))]);
    expect(maxDifference(found, floats(golden, 'front.loss'))).toBeLessThan(1e-12);
  });

  it('has right gradients', async () => {
    await checkOperator({
      name: 'alignment',
      inputs: { zs: ['batch', 2, 3], zt: ['batch', 2, 3] },
      sizes: [{ batch: 2 }],
      build: ({ zs, zt }) => frontAlignment(zs, zt),
    });
  });

  it('of silence is 1, and its gradient finite', () => {
    const zs = input('zs', [1, 3], 'float64');
    const loss = frontAlignment(zs, constant([1, 2, 3], [1, 3], 'float64'));
    const [value, gradient] = valuesOf(
      [loss, ...gradients(loss, [zs])],
      new Map([['zs', { shape: [1, 3], data: [0, 0, 0] }]]),
    );
    expect(value[0]).toBe(1);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });
});

describe('attentionRouting', () => {
  const [clips, widths, depth] = [5, [3, 4], 6];
  const stages = widths.map((width, i) => input(`stage${i}`, [clips, width]));
  const layersOf = (count: number) => Array.from({ length: count }, (_, i) => input(`layer${i}`, [clips, 2]));
  const random = randomNumbers(7);
  const drawn = (shape: number[]) => ({
    shape,
    data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 4 * random() - 2),
  });
  const feeds = new Map([
    ...widths.map((width, i): [string, ReturnType<typeof drawn>] => [`stage${i}`, drawn([clips, width])]),
    ...Array.from({ length: depth }, (_, i): [string, ReturnType<typeof drawn>] => [`layer${i}`, drawn([clips, 2])]),
    ...widths.map((width, i): [string, ReturnType<typeof drawn>] => [`route.query.${i}.weight`, drawn([4, width])]),
    ...Array.from({ length: depth }, (_, i): [string, ReturnType<typeof drawn>] => [
      `route.key.${i}.weight`,
      drawn([4, 2]),
    ]),
  ]);
  const numbers = (name: string) => feeds.get(name)?.data as Float64Array;

  /** Batch mean of q k / 2, by its definition. */
  function similarity(stage: number, layer: number): number {
    const [width, query, key] = [
      widths[stage],
      numbers(`route.query.${stage}.weight`),
      numbers(`route.key.${layer}.weight`),
    ];
    let sum = 0;
    for (let n = 0; n < clips; n++) {
      for (let w = 0; w < 4; w++) {
        let [q, k] = [0, 0];
        for (let i = 0; i < width; i++) q += query[w * width + i] * numbers(`stage${stage}`)[n * width + i];
        for (let i = 0; i < 2; i++) k += key[w * 2 + i] * numbers(`layer${layer}`)[n * 2 + i];
        sum += (q * k) / 2 / clips;
      }
    }
    return sum;
  }

  it('weighs the three most similar layers of every stage, and no other', () => {
    const [found] = valuesOf([attentionRouting(createScope(), stages, layersOf(depth), { width: 4 })], feeds);
    for (const [s] of widths.entries()) {
      const scores = Array.from({ length: depth }, (_, l) => Math.exp(similarity(s, l)));
      const least = scores.toSorted((a, b) => b - a)[2];
      const kept = scores.map((score) => (score >= least ? score : 0));
      const total = kept.reduce((a, b) => a + b, 0);
      expect(
        maxDifference(
          found.slice(s * depth, (s + 1) * depth),
          kept.map((score) => score / total),
        ),
      ).toBeLessThan(1e-12);
    }
  });

  it('weighs all layers where there are few, and the first of equal ones', () => {
    const [few] = valuesOf([attentionRouting(createScope(), stages, layersOf(2), { width: 4 })], feeds);
    expect(few.every((weight) => weight > 0)).toBe(true);
    const same = Array.from({ length: depth }, () => input('layer0', [clips, 2]));
    const alike = new Map(feeds);
    for (let l = 1; l < depth; l++) alike.set(`route.key.${l}.weight`, feeds.get('route.key.0.weight') as never);
    const [equal] = valuesOf([attentionRouting(createScope(), stages, same, { width: 4 })], alike);
    const third = [1, 1, 1, 0, 0, 0].map((one) => one / 3);
    expect(maxDifference(equal, [...third, ...third])).toBeLessThan(1e-12);
  });

  it('has right gradients by features and maps', () => {
    const scope = createScope();
    const layers = layersOf(depth);
    const weights = attentionRouting(scope, stages, layers, { width: 4 });
    const factors = constant(
      Array.from({ length: 2 * depth }, (_, i) => Math.sin(i)),
      [2, depth],
    );
    const loss = reduceSum(mul(weights, factors));
    const wrt = [...stages, ...layers, scope('route.query.1.weight', [4, 4]), scope('route.key.0.weight', [4, 2])];
    const names = [
      'stage0',
      'stage1',
      ...layers.map((_, i) => `layer${i}`),
      'route.query.1.weight',
      'route.key.0.weight',
    ];
    const found = valuesOf(gradients(loss, wrt), feeds);
    for (const [i, name] of names.entries()) {
      const own = feeds.get(name) as ReturnType<typeof drawn>;
      const at = (step: number): number => {
        const data = own.data.slice();
        data[1] += step;
        return valuesOf([loss], new Map([...feeds, [name, { ...own, data }]]))[0][0];
      };
      expect(found[i][1], name).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 7);
    }
    expect(Math.max(...found.flatMap((gradient) => [...gradient].map(Math.abs)))).toBeGreaterThan(0.01);
  });

  it('refuses nothing to route', () => {
    expect(() => attentionRouting(createScope(), [], layersOf(1))).toThrow(InputError);
  });
});
