// ONNX operators of the graph oracle that mix numbers: reductions, softmax, matrix products, normalisation, attention.
import {
  at,
  broadcast,
  fill,
  floatAttribute,
  indicesOf,
  intAttribute,
  type Kernel,
  need,
  numbers,
  type OracleValue,
  offsetOf,
  zeros,
} from './value.ts';

/** Reduces over the axes of the second input (all of them if it is absent or empty, as ONNX says). */
const reduction =
  (start: number, step: (sum: number, x: number) => number, finish = (sum: number, _count: number) => sum): Kernel =>
  (inputs, attributes) => {
    const x = need(inputs, 0);
    const given = inputs[1] ? numbers(inputs[1]) : [];
    const axes = given.length > 0 ? given : x.shape.map((_, i) => i);
    const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
    const result = zeros(kept);
    result.data.fill(start);
    for (const index of indicesOf(x.shape)) {
      const target = offsetOf(
        index.map((v, i) => (axes.includes(i) ? 0 : v)),
        kept,
      );
      result.data[target] = step(result.data[target], at(x, index));
    }
    const count = x.data.length / result.data.length;
    const shape = intAttribute(attributes, 'keepdims', 1) ? kept : x.shape.filter((_, i) => !axes.includes(i));
    return [{ shape, data: result.data.map((v) => finish(v, count)) }];
  };

const sum = (a: number, b: number): number => a + b;

/** x - log Σ exp(x) along an axis. */
function logSoftmax(x: OracleValue, axis: number): OracleValue {
  const along = axis < 0 ? axis + x.shape.length : axis;
  return fill(x.shape, (index) => {
    const row = Array.from({ length: x.shape[along] }, (_, k) => at(x, index.with(along, k)));
    const largest = Math.max(...row);
    return at(x, index) - largest - Math.log(row.reduce((total, v) => total + Math.exp(v - largest), 0));
  });
}

function matmul(a: OracleValue, b: OracleValue): OracleValue {
  const [ra, rb] = [a.shape.length, b.shape.length];
  const [rows, inner, columns] = [a.shape[ra - 2], a.shape[ra - 1], b.shape[rb - 1]];
  if (b.shape[rb - 2] !== inner) throw new Error(`oracle: [${a.shape}] and [${b.shape}] do not multiply`);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const pick = (value: OracleValue, index: readonly number[], i: number, j: number): number => {
    const own = value.shape.slice(0, -2);
    const extra = index.length - own.length;
    return at(value, [...own.map((dim, n) => (dim === 1 ? 0 : index[n + extra])), i, j]);
  };
  return fill([...batch, rows, columns], (index) => {
    const [lead, i, j] = [index.slice(0, -2), index[index.length - 2], index[index.length - 1]];
    let total = 0;
    for (let k = 0; k < inner; k++) total += pick(a, lead, i, k) * pick(b, lead, k, j);
    return total;
  });
}

/** Over the last axis; outputs y, mean and 1 / sqrt(variance + epsilon). */
const layerNormalization: Kernel = (inputs, attributes) => {
  const [x, gain, bias] = [need(inputs, 0), need(inputs, 1), inputs[2]];
  const width = x.shape[x.shape.length - 1];
  const statistics = [...x.shape.slice(0, -1), 1];
  const [mean, inverse] = [zeros(statistics), zeros(statistics)];
  const y = zeros(x.shape);
  for (let row = 0; row < mean.data.length; row++) {
    const values = x.data.subarray(row * width, (row + 1) * width);
    mean.data[row] = values.reduce(sum, 0) / width;
    const variance = values.reduce((total, v) => total + (v - mean.data[row]) ** 2, 0) / width;
    inverse.data[row] = 1 / Math.sqrt(variance + floatAttribute(attributes, 'epsilon', 1e-5));
    for (let i = 0; i < width; i++) {
      y.data[row * width + i] =
        (values[i] - mean.data[row]) * inverse.data[row] * gain.data[i] + (bias ? bias.data[i] : 0);
    }
  }
  return [y, mean, inverse];
};

/** com.microsoft MultiHeadAttention of q [B, L, D] with k and v [B, S, D], head after head. */
const multiHeadAttention: Kernel = (inputs, attributes) => {
  const [q, k, v] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
  const heads = intAttribute(attributes, 'num_heads', 1);
  const [batch, length, width] = q.shape;
  const [keys, each] = [k.shape[1], width / heads];
  const result = zeros(q.shape);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let l = 0; l < length; l++) {
        const scores = Array.from({ length: keys }, (_, s) => {
          let score = 0;
          for (let i = h * each; i < (h + 1) * each; i++) score += at(q, [b, l, i]) * at(k, [b, s, i]);
          return Math.exp(score / Math.sqrt(each));
        });
        const total = scores.reduce(sum, 0);
        for (let i = h * each; i < (h + 1) * each; i++) {
          const mixed = scores.reduce((acc, score, s) => acc + (score / total) * at(v, [b, s, i]), 0);
          result.data[offsetOf([b, l, i], q.shape)] = mixed;
        }
      }
    }
  }
  return [result];
};

export const products: Record<string, Kernel> = {
  ReduceSum: reduction(0, sum),
  ReduceMean: reduction(0, sum, (total, count) => total / count),
  ReduceMax: reduction(Number.NEGATIVE_INFINITY, Math.max),
  ReduceMin: reduction(Number.POSITIVE_INFINITY, Math.min),
  ReduceProd: reduction(1, (a, b) => a * b),
  LogSoftmax: (inputs, attributes) => [logSoftmax(need(inputs, 0), intAttribute(attributes, 'axis', -1))],
  Softmax: (inputs, attributes) => {
    const logs = logSoftmax(need(inputs, 0), intAttribute(attributes, 'axis', -1));
    return [{ shape: logs.shape, data: logs.data.map(Math.exp) }];
  },
  MatMul: (inputs) => [matmul(need(inputs, 0), need(inputs, 1))],
  Gemm: (inputs, attributes) => {
    const factor = (i: number, transposed: string): OracleValue => {
      const x = need(inputs, i);
      if (!intAttribute(attributes, transposed, 0)) return x;
      return fill([x.shape[1], x.shape[0]], ([row, column]) => at(x, [column, row]));
    };
    const product = matmul(factor(0, 'transA'), factor(1, 'transB'));
    const [alpha, beta, c] = [floatAttribute(attributes, 'alpha', 1), floatAttribute(attributes, 'beta', 1), inputs[2]];
    const added = (row: number, column: number): number => {
      if (!c) return 0;
      const index = [row, column].slice(2 - c.shape.length);
      return at(
        c,
        index.map((v, i) => (c.shape[i] === 1 ? 0 : v)),
      );
    };
    return [fill(product.shape, ([row, column]) => alpha * at(product, [row, column]) + beta * added(row, column))];
  },
  LayerNormalization: layerNormalization,
  MultiHeadAttention: multiHeadAttention,
};
