// Attention, fused and from plain operators, against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase } from '../../tests/check-operator.ts';
import { attention } from './attention.ts';
import { add, mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceSum } from './reshape.ts';
import { split } from './slicing.ts';
import { input } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 3, keys: 2 },
  { batch: 1, frames: 2, keys: 4 },
];
const same = { q: [2, 3, 4], k: [2, 3, 4], v: [2, 3, 4] };
const symbolic = { q: ['batch', 'frames', 4], k: ['batch', 'keys', 4], v: ['batch', 'keys', 4] };

const modes = [true, false].flatMap((fused): OperatorCase[] => {
  const options = { heads: 2, fused };
  const name = fused ? 'fused' : 'plain';
  return [
    { name: `${name}`, inputs: same, build: ({ q, k, v }) => attention(q, k, v, options) },
    { name: `${name}, one head`, inputs: same, build: ({ q, k, v }) => attention(q, k, v, { heads: 1, fused }) },
    {
      name: `${name}, other keys, symbolic`,
      inputs: symbolic,
      sizes,
      build: ({ q, k, v }) => attention(q, k, v, options),
    },
    {
      name: `${name}, queries are keys and values`,
      inputs: { q: ['batch', 'frames', 4] },
      sizes,
      build: ({ q }) => attention(q, q, q, options),
    },
    {
      name: `${name}, keys are values`,
      inputs: { q: same.q, k: same.k },
      build: ({ q, k }) => attention(q, k, k, options),
    },
    {
      name: `${name}, values made of keys made of queries`,
      inputs: { q: [1, 3, 4] },
      build: ({ q }) => {
        const k = mul(q, 0.5);
        return add(q, attention(q, k, add(k, 1), options));
      },
    },
    {
      name: `${name}, split projection`,
      inputs: { qkv: ['batch', 'frames', 12] },
      sizes,
      build: ({ qkv }) => {
        const [q, k, v] = split(qkv, 3, 2);
        return attention(q, k, v, options);
      },
    },
    {
      name: `${name}, second derivative`,
      inputs: { q: [1, 2, 2], k: [1, 2, 2], v: [1, 2, 2] },
      build: ({ q, k, v }) => {
        const y = attention(q, k, v, { heads: 1, fused });
        return gradients(reduceSum(mul(y, y)), [q])[0];
      },
    },
  ];
});

const cases: OperatorCase[] = [
  ...modes,
  ...[
    ['for every head', [2, 3, 3]],
    ['for all heads', [1, 3, 3]],
    ['of every item', [2, 2, 3, 3]],
  ].map(
    ([name, bias]): OperatorCase => ({
      name: `bias ${name}`,
      inputs: { ...same, bias: bias as number[] },
      build: ({ q, k, v, bias: b }) => attention(q, k, v, { heads: 2, bias: b }),
    }),
  ),
  {
    name: 'bias, symbolic',
    inputs: { ...symbolic, bias: ['frames', 'keys'] },
    sizes,
    build: ({ q, k, v, bias }) => attention(q, k, v, { heads: 2, bias }),
  },
  {
    name: 'factors on the weights',
    inputs: { ...symbolic, factors: ['batch', 2, 'frames', 'keys'] },
    sizes,
    build: ({ q, k, v, factors }) => attention(q, k, v, { heads: 2, factors }),
  },
];

describe('attention', () => {
  it.each(cases)('$name', checkOperator);

  it('is one node where it is fused', () => {
    const q = input('q', [2, 3, 4]);
    expect(attention(q, q, q, { heads: 2 }).node).toMatchObject({ op: 'MultiHeadAttention', domain: 'com.microsoft' });
    expect(attention(q, q, q, { heads: 2, fused: false }).node.op).toBe('Reshape');
  });

  it('refuses widths and shapes that do not fit', () => {
    const [q, k] = [input('q', [2, 3, 4]), input('k', [2, 5, 4])];
    expect(() => attention(q, q, q, { heads: 3 })).toThrow(
      'attention: width 4 of [2, 3, 4] does not divide into 3 heads',
    );
    expect(() => attention(q, k, q, { heads: 2 })).toThrow('attention: [2, 3, 4], [2, 5, 4], [2, 3, 4] do not fit');
    expect(() => attention(q, input('k', [1, 3, 4]), q, { heads: 2 })).toThrow('do not fit');
  });
});
