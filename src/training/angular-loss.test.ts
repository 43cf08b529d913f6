// Angular classifiers: torch's logits, losses and gradients of every convention, and what sub-clusters and AdaCos promise.
import { describe, expect, it } from 'vitest';
import { checkOperator, relativeDifference } from '../../tests/check-operator.ts';
import { floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { gradients } from '../graph/gradients.ts';
import { constant, input, parameter } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { adaCosLogits, adaCosScale, centreCosines, type MarginConvention, marginLogits } from './angular-loss.ts';
import { crossEntropy } from './class-loss.ts';

const golden = readGolden('asd_heads/data.safetensors');
const cases = [...golden.keys()].flatMap((key) => {
  const found = /^aam\.s(\d+)\.m([\d.]+)\.(\w+)\.loss$/.exec(key);
  return found ? [[found[0].slice(0, -'.loss'.length), Number(found[1]), Number(found[2]), found[3]] as const] : [];
});
const values = floats32(golden, 'aam.x');
const weights = new Map([['aam.weight', { dtype: 'F32' as const, shape: [5, 16], data: floats32(golden, 'aam.W') }]]);
const hard = Array.from(golden.get('aam.y')?.data as BigInt64Array, Number);

describe('golden numbers', () => {
  it('has every convention', () => {
    expect(cases.length).toBe(16);
  });

  const oneHot = hard.flatMap((label) => Array.from({ length: 5 }, (_, c) => (c === label ? 1 : 0)));
  const kinds = [
    ['indices', constant(hard, [6], 'int64')],
    ['shares', constant(oneHot, [6, 5])],
  ] as const;
  it.each(
    cases.flatMap((one) => kinds.map(([kind, labels]) => [one[0], kind, labels, one] as const)),
  )('%s, labels as %s', async (name, _kind, labels, [, scale, margin, convention]) => {
    const [scope, x] = [createScope(), parameter('x', [6, 16])];
    const options = { classes: 5, scale, margin, convention: convention as MarginConvention };
    const { logits } = marginLogits(scope, 'aam', x, labels, options);
    const loss = crossEntropy(logits, labels);
    const [dx, dW] = gradients(loss, [x, scope('aam.weight', [5, 16])]);
    const own = { dtype: 'F32' as const, shape: [6, 16], data: values };
    const found = await runGraph({ logits, loss, dx, dW }, new Map([...weights, ['x', own]]), {});
    const wanted = (part: string) => floats32(golden, `${name}.${part}`) as Float32Array;
    // Float32 keeps a logit of 64 to 4e-6.
    expect(maxDifference(found.logits, wanted('logits'))).toBeLessThan(1e-5 * Math.max(1, scale / 30));
    expect(maxDifference(found.loss, wanted('loss'))).toBeLessThan(1e-5);
    for (const part of ['dx', 'dW'] as const) {
      expect(maxDifference(found[part], wanted(part))).toBeLessThan(1e-5 * scale);
      expect(relativeDifference(found[part], wanted(part))).toBeLessThan(1e-3);
    }
  });
});

const conventions = ['plain', 'th_mm', 'th_mmm', 'easy'] as const;

describe('marginLogits', () => {
  const soft = { shape: ['batch', 3], low: 0, high: 1 };
  it.each(
    conventions,
  )('has right gradients with several centres, soft labels and a symbolic batch: %s', async (convention) => {
    await checkOperator({
      name: convention,
      inputs: { x: ['batch', 4], weight: [6, 4], labels: soft },
      sizes: [{ batch: 3 }, { batch: 2 }],
      wrt: ['x', 'weight'],
      build: ({ x, weight, labels }) =>
        marginLogits(() => weight, 'aam', x, labels, { classes: 3, centres: 2, convention, scale: 8 }).logits,
    });
  });

  it('has finite gradients at cosines of exactly 1 and -1, and for an embedding of zeros', async () => {
    const x = input('x', [3, 3]);
    const feeds = {
      x: { dtype: 'float32' as const, shape: [3, 3], data: Float32Array.of(0, 0, 2, 0, 0, -3, 0, 0, 0) },
    };
    for (const convention of conventions) {
      const [scope, labels] = [createScope(), constant([1, 1, 0], [3], 'int64')];
      const { logits, cosines } = marginLogits(scope, 'aam', x, labels, { classes: 2, convention });
      const loss = crossEntropy(logits, labels);
      const slopes = gradients(loss, [x, scope('aam.weight', [2, 3])]);
      const data = Float32Array.of(1, 1, 0, 0, 0, 5);
      const own = new Map([['aam.weight', { dtype: 'F32' as const, shape: [2, 3], data }]]);
      const found = await runGraph({ logits, cosines, loss, dx: slopes[0], dW: slopes[1] }, own, feeds);
      expect([found.cosines[1], found.cosines[3]]).toEqual([1, -1]);
      for (const part of Object.values(found)) expect(part.every(Number.isFinite)).toBe(true);
    }
  });

  it('moves only the class of the label: from s cos θ to s cos(θ + m)', async () => {
    // Unit vectors at 0° and 90°, an embedding at 30°: cosines cos 30° and cos 60°.
    const weight = constant([1, 0, 0, 1], [2, 2]);
    const x = constant([Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)], [1, 2]);
    const of = (labels: ReturnType<typeof constant>) =>
      marginLogits(() => weight, 'aam', x, labels, { classes: 2, scale: 10, margin: 0.3 }).logits;
    const found = await runGraph(
      { hard: of(constant([0], [1], 'int64')), half: of(constant([0.5, 0.5], [1, 2])) },
      new Map(),
      {},
    );
    const [first, second] = [Math.PI / 6, Math.PI / 3];
    const between = (angle: number) => 5 * (Math.cos(angle) + Math.cos(angle + 0.3));
    expect(maxDifference(found.hard, [10 * Math.cos(first + 0.3), 10 * Math.cos(second)])).toBeLessThan(1e-5);
    expect(maxDifference(found.half, [between(first), between(second)])).toBeLessThan(1e-5);
  });

  it.each([
    [{ classes: 2, margin: 1.6 }, 'marginLogits: expected a margin from 0 to π/2'],
    [{ classes: 2, margin: -0.1 }, 'found -0.1 and 30'],
    [{ classes: 2, scale: 0 }, 'found 0.2 and 0'],
    [{ classes: 1.5 }, 'centreCosines: expected whole numbers of classes and centres, found 1.5 and 1'],
    [{ classes: 2, centres: 0 }, 'found 2 and 0'],
  ])('refuses %o', (options, message) => {
    const build = () => marginLogits(createScope(), 'aam', input('x', [1, 2]), input('y', [1], 'int64'), options);
    expect(build).toThrow(message);
    expect(build).toThrow(InputError);
  });
});

describe('centreCosines', () => {
  it('orders centres within classes, and of several the best counts', async () => {
    const angles = [0, 90, 180, 270].map((degrees) => (degrees * Math.PI) / 180);
    const weight = constant(
      angles.flatMap((a) => [2 * Math.cos(a), 2 * Math.sin(a)]),
      [4, 2],
    );
    const x = constant([3, 0], [1, 2]);
    const of = { classes: 2, centres: 2 };
    const labels = constant([0], [1], 'int64');
    const outputs = {
      each: centreCosines(() => weight, 'w', x, of),
      best: marginLogits(() => weight, 'w', x, labels, { ...of, margin: 0 }).cosines,
    };
    const found = await runGraph(outputs, new Map(), {});
    expect(maxDifference(found.each, [1, 0, -1, 0])).toBeLessThan(1e-6);
    expect(maxDifference(found.best, [1, 0])).toBeLessThan(1e-6);
  });
});

describe('adaCosLogits', () => {
  const of = { classes: 5, centres: 1 };
  const labels = constant(hard, [6], 'int64');

  it('has the published scale', () => {
    expect(adaCosScale({ classes: 10, centres: 16 })).toBeCloseTo(Math.SQRT2 * Math.log(159), 12);
  });

  it('with one centre per class is cross entropy of scaled cosines', async () => {
    const x = constant(values, [6, 16]);
    const scope = createScope();
    const { logits } = adaCosLogits(scope, 'aam', x, of);
    const plain = marginLogits(scope, 'aam', x, labels, { classes: 5, scale: adaCosScale(of), margin: 0 });
    const outputs = { ours: crossEntropy(logits, labels), plain: crossEntropy(plain.logits, labels) };
    const found = await runGraph(outputs, weights, {});
    expect(Math.abs(found.ours[0] - found.plain[0])).toBeLessThan(1e-5);
  });

  it('gives a class the sum of the probabilities of its centres', async () => {
    const weight = constant([1, 0, 0.5, 0.5, -1, 0.2, 0, -1, 0.3, 1, 1, -1], [6, 2]);
    const x = constant([0.4, 1], [1, 2]);
    const kinds = { classes: 3, centres: 2 };
    const { logits, cosines } = adaCosLogits(() => weight, 'w', x, kinds);
    const target = constant([1], [1], 'int64');
    const found = await runGraph({ loss: crossEntropy(logits, target), cosines }, new Map(), {});
    const rows = [
      [1, 0],
      [0.5, 0.5],
      [-1, 0.2],
      [0, -1],
      [0.3, 1],
      [1, -1],
    ];
    const each = rows.map(([a, b]) => (0.4 * a + b) / (Math.hypot(a, b) * Math.hypot(0.4, 1)));
    const powers = each.map((cosine) => Math.exp(Math.SQRT2 * Math.log(5) * cosine));
    const share = (powers[2] + powers[3]) / powers.reduce((a, b) => a + b);
    expect(found.loss[0]).toBeCloseTo(-Math.log(share), 5);
    expect(
      maxDifference(
        found.cosines,
        [0, 1, 2].map((c) => Math.max(each[2 * c], each[2 * c + 1])),
      ),
    ).toBeLessThan(1e-6);
  });

  it('has right gradients with a symbolic batch', async () => {
    await checkOperator({
      name: 'adaCosLogits',
      inputs: { x: ['batch', 4], weight: [6, 4] },
      sizes: [{ batch: 3 }, { batch: 1 }],
      build: ({ x, weight }) => adaCosLogits(() => weight, 'w', x, { classes: 2, centres: 3 }).logits,
    });
  });

  it('refuses two centres in all, whose scale would be 0', () => {
    const build = () => adaCosLogits(createScope(), 'w', input('x', [1, 2]), { classes: 2 });
    expect(build).toThrow('adaCosLogits: expected at least 3 centres in all, found 2');
  });
});
