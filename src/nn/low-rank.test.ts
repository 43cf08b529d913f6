// Low-rank adaptation: nothing changes at the start, folding changes nothing, and gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { linear } from '../graph/matmul.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { initialLowRank, isLowRank, mergeLowRank, withLowRank } from './low-rank.ts';
import { createScope, type ParameterScope, parametersOf } from './parameters.ts';
import { dense } from './transformer.ts';

const options = { rank: 2, alpha: 6 };
const targets = /fc\d\.weight$/;
const feeds = {
  x: float32(
    Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)),
    [2, 4],
  ),
};

const model = (scope: ParameterScope): Tensor =>
  dense(scope, 'head', dense(scope, 'fc2', dense(scope, 'fc1', input('x', [2, 4]), 5), 6), 3);
const adapted = () => model(withLowRank(createScope(), { ...options, targets }));

const shapes = parametersOf([adapted()]);
const random = createRandom('low rank');
const draw = (names: Iterable<string>) =>
  new Map(
    Array.from(names, (name) => {
      const size = (shapes.get(name) as readonly number[]).reduce((a, b) => a * b);
      return [name, Float32Array.from({ length: size }, () => random.gaussian())];
    }),
  );
const base = draw([...shapes.keys()].filter((name) => !isLowRank(name)));

async function outputOf(output: Tensor, values: ReadonlyMap<string, Float32Array>): Promise<Float32Array> {
  const stored = new Map<string, StoredTensor>();
  for (const [name, data] of values) stored.set(name, { dtype: 'F32', shape: [...(shapes.get(name) ?? [])], data });
  return (await runGraph({ output }, stored, feeds)).output;
}

describe('low-rank adaptation', () => {
  it('joins only the matrices asked for', () => {
    expect(Object.fromEntries([...shapes].filter(([name]) => isLowRank(name)))).toEqual({
      'fc1.weight.lora_a': [2, 4],
      'fc1.weight.lora_b': [5, 2],
      'fc2.weight.lora_a': [2, 5],
      'fc2.weight.lora_b': [6, 2],
    });
  });

  it('starts as the model was', async () => {
    const start = initialLowRank(shapes, 1);
    expect([...start.keys()].sort()).toEqual([...shapes.keys()].filter(isLowRank).sort());
    expect(start.get('fc1.weight.lora_a')?.every((value) => value !== 0 && Math.abs(value) <= 0.5)).toBe(true);
    const found = await outputOf(adapted(), new Map([...base, ...start]));
    expect(found).toEqual(await outputOf(model(createScope()), base));
    expect(initialLowRank(shapes, 1)).toEqual(start);
    expect(initialLowRank(shapes, 2)).not.toEqual(start);
  });

  it('is the same folded into the matrices, which then differ', async () => {
    const values = new Map([...base, ...draw([...shapes.keys()].filter(isLowRank))]);
    const folded = mergeLowRank(values, options);
    expect([...folded.keys()].sort()).toEqual([...base.keys()].sort());
    expect(folded.get('head.weight')).toBe(base.get('head.weight'));
    const apart = await outputOf(adapted(), values);
    const largest = apart.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(maxDifference(await outputOf(model(createScope()), folded), apart)).toBeLessThan(1e-5 * largest);
    expect(maxDifference(await outputOf(model(createScope()), base), apart)).toBeGreaterThan(0.1);
  });

  it('has right gradients', async () => {
    await checkOperator({
      name: 'withLowRank',
      inputs: { x: [2, 4], w: [5, 4], 'w.lora_a': [2, 4], 'w.lora_b': [5, 2] },
      build: ({ x, ...own }) => linear(x, withLowRank((name) => own[name], { ...options, targets: /w/ })('w', [5, 4])),
    });
  });

  it('gives the same tensor at every call, whatever the flags of the expression', () => {
    const scope = withLowRank(createScope(), { ...options, targets: /weight/g });
    const first = scope('weight', [4, 5]);
    expect(first.node.op).toBe('Add');
    expect(scope('weight', [4, 5])).toBe(first);
    expect(scope('other.weight', [4, 5]).node.op).toBe('Add');
    expect(scope('vector.weight', [4]).node.op).toBe('Parameter');
  });

  it('refuses ranks that adapt nothing or everything', () => {
    for (const rank of [0, 1.5]) {
      expect(() => withLowRank(createScope(), { rank, alpha: 1, targets })).toThrow(
        'expected a whole rank of at least 1',
      );
    }
    const scope = withLowRank(createScope(), { rank: 4, alpha: 1, targets: /w/ });
    expect(() => scope('w', [4, 9])).toThrow('withLowRank: expected a rank below the size of w [4,9], found 4');
  });

  it('refuses to fold pairs that are incomplete or do not fit', () => {
    const values = new Map([...base, ...initialLowRank(shapes, 1)]);
    const without = new Map([...values].filter(([name]) => name !== 'fc1.weight.lora_b'));
    expect(() => mergeLowRank(without, options)).toThrow(
      'mergeLowRank: expected fc1.weight, .lora_a and .lora_b of rank 2, found 20, 8, none values',
    );
    expect(() => mergeLowRank(values, { ...options, rank: 1 })).toThrow(InputError);
  });
});
