import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { mul } from '../graph/elementwise.ts';
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createScope, parametersOf } from './parameters.ts';
import { type BlockNames, dense, norm, postNormBlock, preNormBlock, prependToken } from './transformer.ts';

const names: BlockNames = {
  qkvWeight: 'attn.qkv.weight',
  qkvBias: 'attn.qkv.bias',
  projection: 'attn.proj',
  norm1: 'norm1',
  norm2: 'norm2',
  hidden: 'mlp.fc1',
  output: 'mlp.fc2',
};
const [batch, length, width, heads, ratio, epsilon] = [2, 5, 8, 2, 3, 1e-5];

function randomValues(seed: string, size: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: size }, () => random.gaussian(0, 0.5));
}

const randomState = (outputs: Tensor[]): Map<string, StoredTensor> =>
  new Map(
    [...parametersOf(outputs)].map(([name, shape]) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      return [name, { dtype: 'F32', shape: [...shape], data: randomValues(name, size) }];
    }),
  );

// The block by its definition, in float64, one vector at a time.
type State = ReadonlyMap<string, StoredTensor>;
const numbers = (state: State, name: string): number[] => Array.from(state.get(name)?.data as Float32Array);

function naiveDense(state: State, weight: string, bias: string, x: number[]): number[] {
  const w = numbers(state, weight);
  return numbers(state, bias).map((b, o) => x.reduce((sum, value, i) => sum + value * w[o * x.length + i], b));
}

function naiveNorm(state: State, name: string, x: number[]): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [gain, bias] = [numbers(state, `${name}.weight`), numbers(state, `${name}.bias`)];
  return x.map((value, d) => ((value - mean) / Math.sqrt(variance + epsilon)) * gain[d] + bias[d]);
}

/** Error function by its series; enough terms for |x| < 5. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const naiveGelu = (x: number): number => (x * (1 + erf(x / Math.SQRT2))) / 2;

function naiveAttention(state: State, x: number[][]): number[][] {
  const qkv = x.map((token) => naiveDense(state, names.qkvWeight, names.qkvBias, token));
  const size = width / heads;
  return x.map((_, i) => {
    const mixed = new Array<number>(width).fill(0);
    for (let h = 0; h < heads; h++) {
      const head = (token: number, part: number) =>
        qkv[token].slice(part * width + h * size, part * width + (h + 1) * size);
      const logits = x.map((__, j) => head(i, 0).reduce((sum, q, d) => sum + q * head(j, 1)[d], 0) / Math.sqrt(size));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      for (const [j, logit] of logits.entries()) {
        for (const [d, value] of head(j, 2).entries()) mixed[h * size + d] += (Math.exp(logit) / total) * value;
      }
    }
    return naiveDense(state, `${names.projection}.weight`, `${names.projection}.bias`, mixed);
  });
}

function naiveBlock(state: State, x: number[][]): { output: number[][]; inner: number[][] } {
  const attended = naiveAttention(state, x);
  const r = x.map((token, i) =>
    naiveNorm(
      state,
      names.norm1,
      token.map((value, d) => value + attended[i][d]),
    ),
  );
  const inner = r.map((token) => {
    const hidden = naiveDense(state, `${names.hidden}.weight`, `${names.hidden}.bias`, token).map(naiveGelu);
    return naiveDense(state, `${names.output}.weight`, `${names.output}.bias`, hidden);
  });
  return {
    inner,
    output: r.map((token, i) =>
      naiveNorm(
        state,
        names.norm2,
        token.map((value, d) => value + inner[i][d]),
      ),
    ),
  };
}

const addTokens = (a: number[][], b: number[][]): number[][] =>
  a.map((token, i) => token.map((value, d) => value + b[i][d]));

function naivePreNorm(state: State, x: number[][], share = 1): number[][] {
  const part = (tokens: number[][]) => tokens.map((token) => token.map((value) => value * share));
  const attended = naiveAttention(
    state,
    x.map((token) => naiveNorm(state, names.norm1, token)),
  );
  const r = addTokens(x, part(attended));
  const fed = r.map((token) => {
    const normed = naiveNorm(state, names.norm2, token);
    const hidden = naiveDense(state, `${names.hidden}.weight`, `${names.hidden}.bias`, normed).map(naiveGelu);
    return naiveDense(state, `${names.output}.weight`, `${names.output}.bias`, hidden);
  });
  return addTokens(r, part(fed));
}

const values = randomValues('x', batch * length * width);
const tokensOf = (b: number): number[][] =>
  Array.from({ length }, (_, t) => [...values.subarray((b * length + t) * width, (b * length + t + 1) * width)]);

describe('postNormBlock', () => {
  it.each([true, false])('is what its definition says (fused attention: %s)', async (fusedAttention) => {
    const block = postNormBlock(createScope(), names, input('x', ['batch', 'length', width]), {
      heads,
      mlpRatio: ratio,
      epsilon,
      fusedAttention,
    });
    const state = randomState([block.output]);
    expect(state.get('mlp.fc1.weight')?.shape).toEqual([ratio * width, width]);
    const found = await runGraph(block, state, { x: float32(values, [batch, length, width]) });
    const wanted = Array.from({ length: batch }, (_, b) => naiveBlock(state, tokensOf(b)));
    expect(
      maxDifference(
        found.output,
        wanted.flatMap(({ output }) => output.flat()),
      ),
    ).toBeLessThan(2e-5);
    expect(
      maxDifference(
        found.inner,
        wanted.flatMap(({ inner }) => inner.flat()),
      ),
    ).toBeLessThan(2e-5);
  });
});

it('adds nothing to a block whose branches are dropped', async () => {
  const x = input('x', ['batch', 'length', width]);
  const options = { heads, mlpRatio: ratio, epsilon, branch: (branch: Tensor) => mul(branch, 0) };
  const scope = createScope();
  const outputs = {
    postNorm: postNormBlock(scope, names, x, options).output,
    normed: norm(scope, names.norm2, norm(scope, names.norm1, x, epsilon), epsilon),
  };
  const found = await runGraph(outputs, randomState(Object.values(outputs)), {
    x: float32(values, [batch, length, width]),
  });
  expect(maxDifference(found.postNorm, found.normed)).toBeLessThan(2e-6);
});

describe('preNormBlock', () => {
  it.each([
    [true, 1],
    [false, 1],
    [false, 0.25],
  ])('is what its definition says (fused attention: %s, of every branch %d)', async (fusedAttention, share) => {
    const output = preNormBlock(createScope(), names, input('x', ['batch', 'length', width]), {
      heads,
      mlpRatio: ratio,
      epsilon,
      fusedAttention,
      ...(share !== 1 && { branch: (x: Tensor) => mul(x, share) }),
    });
    const state = randomState([output]);
    const found = await runGraph({ output }, state, { x: float32(values, [batch, length, width]) });
    const wanted = Array.from({ length: batch }, (_, b) => naivePreNorm(state, tokensOf(b), share));
    expect(maxDifference(found.output, wanted.flat(2))).toBeLessThan(2e-5);
  });
});

describe('layers', () => {
  it('are named as checkpoints name them', async () => {
    const x = input('x', [batch, length, width]);
    const scope = createScope();
    const outputs = { dense: dense(scope, 'fc', x, 3), norm: norm(scope, 'ln', x, epsilon) };
    const state = randomState(Object.values(outputs));
    expect([...state].map(([name, { shape }]) => [name, shape]).sort()).toEqual([
      ['fc.bias', [3]],
      ['fc.weight', [3, width]],
      ['ln.bias', [width]],
      ['ln.weight', [width]],
    ]);
    const found = await runGraph(outputs, state, { x: float32(values, [batch, length, width]) });
    const tokens = [...tokensOf(0), ...tokensOf(1)];
    const wanted = tokens.flatMap((token) => naiveDense(state, 'fc.weight', 'fc.bias', token));
    expect(maxDifference(found.dense, wanted)).toBeLessThan(1e-5);
    expect(
      maxDifference(
        found.norm,
        tokens.flatMap((token) => naiveNorm(state, 'ln', token)),
      ),
    ).toBeLessThan(1e-5);
  });

  it('put a token in front of every sequence', async () => {
    const token = input('token', [1, 1, width]);
    const x = input('x', ['batch', 'length', width]);
    const output = prependToken(token, x, 'more');
    expect(output.shape).toEqual(['batch', 'more', width]);
    const first = randomValues('token', width);
    const found = await runGraph({ output }, new Map(), {
      x: float32(values, [batch, length, width]),
      token: float32(first, [1, 1, width]),
    });
    const half = length * width;
    expect(found.output).toEqual(
      Float32Array.of(...first, ...values.subarray(0, half), ...first, ...values.subarray(half)),
    );
  });
});

it.each([
  [
    'post-norm',
    (scope: ReturnType<typeof createScope>, x: Tensor, options: object) =>
      postNormBlock(scope, names, x, { heads, mlpRatio: ratio, epsilon, ...options }).output,
  ],
  [
    'pre-norm',
    (scope: ReturnType<typeof createScope>, x: Tensor, options: object) =>
      preNormBlock(scope, names, x, { heads, mlpRatio: ratio, epsilon, ...options }),
  ],
] as const)('a %s block has the same values and gradients in its trained form', async (_, build) => {
  const x = input('x', [batch, length, width]);
  const seed = input('seed', [batch, length, width]);
  const all = [{ fusedAttention: false }, { fusedAttention: false, trained: true }].map((options) => {
    const output = build(createScope(), x, options);
    const loss = reduceSum(mul(output, seed));
    const parameters = topologicalOrder([loss]).flatMap((node) => (node.op === 'Parameter' ? node.outputs : []));
    const wrt = [x, ...parameters.sort((a, b) => ((a.node.name as string) < (b.node.name as string) ? -1 : 1))];
    return Object.fromEntries([output, ...gradients(loss, wrt)].map((tensor, i) => [`y${i}`, tensor]));
  });
  const feeds = Object.fromEntries(
    ['x', 'seed'].map((name) => [name, float32(randomValues(name, batch * length * width), [batch, length, width])]),
  );
  const state = randomState(Object.values(all[0]));
  const [plain, trained] = await Promise.all(all.map((outputs) => runGraph(outputs, state, feeds)));
  expect(Object.keys(plain).length).toBeGreaterThan(12);
  for (const [name, values] of Object.entries(plain)) {
    const largest = Math.max(...values.map(Math.abs));
    expect(maxDifference(trained[name], values) / largest).toBeLessThan(2e-5);
  }
});
