import { describe, expect, it } from 'vitest';
import { maxDifference, readGolden } from '../../tests/golden.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { buildEncoder, parameterShapes, randomWeights, recogniseWeights } from './build.ts';
import { families } from './families.ts';

const weights = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
const architecture = recogniseWeights(weights, { heads: 2 });
const shapes = parameterShapes(architecture);
const tone = {
  channels: [Float32Array.from({ length: 4000 }, (_, i) => Math.sin(0.3 * i) + Math.sin(i * i * 1e-4))],
  sampleRate: 16000,
  name: 'tone',
};

const changed = (name: string, change: (values: Float32Array) => void): Map<string, StoredTensor> => {
  const tensor = weights.get(name) as StoredTensor;
  const data = toFloat32(tensor).slice();
  change(data);
  return new Map(weights).set(name, { dtype: 'F32', shape: tensor.shape, data });
};

async function fingerprint(state: ReadonlyMap<string, StoredTensor>, heads = 2): Promise<string> {
  const encoder = await buildEncoder('x', recogniseWeights(state, { heads }), state);
  await encoder.release();
  return encoder.fingerprint;
}

describe('the fingerprint', () => {
  it('is that of the numbers, not of how they are stored or called', async () => {
    const wanted = await fingerprint(weights);
    expect(wanted).toMatch(/^echo:[0-9a-f]{32}$/);
    expect(await fingerprint(new Map([...weights].reverse()))).toBe(wanted);
    const doubles = [...weights].map(([name, tensor]): [string, StoredTensor] => [
      name,
      { dtype: 'F64', shape: tensor.shape, data: Float64Array.from(toFloat32(tensor)) },
    ]);
    expect(await fingerprint(new Map(doubles))).toBe(wanted);
    const more = new Map(weights).set('optimizer.step', { dtype: 'F32', shape: [1], data: Float32Array.of(7) });
    expect(await fingerprint(more)).toBe(wanted);
  });

  it('changes with every parameter, and with the configuration', async () => {
    const prints = [await fingerprint(weights), await fingerprint(weights, 4)];
    for (const [name, shape] of shapes) {
      const size = shape.reduce((product, dim) => product * dim, 1);
      // The first value, and one in the middle among the 256 evenly spaced ones that are looked at.
      for (const at of [0, Math.floor((128 * size) / 256)]) {
        prints.push(await fingerprint(changed(name, (values) => (values[at] += 0.001 + at / size))));
      }
    }
    expect(shapes.size).toBeGreaterThan(25);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('changes with a training step, which changes every value', async () => {
    const step = changed('encoder.layers.1.linear1.weight', (values) => {
      for (let i = 0; i < values.length; i++) values[i] *= 1.0001;
    });
    expect(await fingerprint(step)).not.toBe(await fingerprint(weights));
  });
});

describe('randomWeights', () => {
  it('are the same for the same seed, and others for another', () => {
    const [a, b, c] = [randomWeights(architecture, 1), randomWeights(architecture, 1), randomWeights(architecture, 2)];
    expect(a).toEqual(b);
    const matrices = [...shapes].filter(([, shape]) => shape.length > 1);
    for (const [name] of matrices) expect([name, a.get(name)]).not.toEqual([name, c.get(name)]);
  });

  it.each(['echo', 'fisher'])('have the names, shapes and sizes of the recipe (%s)', (family) => {
    const tiny = families.find(({ name }) => name === family)?.sizes.tiny;
    if (!tiny) throw new Error('no tiny size');
    const random = randomWeights(tiny, 3);
    expect(new Map([...random].map(([name, { shape }]) => [name, shape]))).toEqual(parameterShapes(tiny));
    for (const [name, { shape, data }] of random) {
      const values = data as Float32Array;
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      const [outputs, inputs] = [shape[0], values.length / shape[0]];
      const limit = Math.sqrt(6 / (inputs + outputs));
      if (/token/.test(name)) expect([name, Math.abs(deviation / 0.02 - 1) < 0.2]).toEqual([name, true]);
      else if (shape.length > 1) {
        expect([name, largest < limit, largest > 0.99 * limit]).toEqual([name, true, true]);
        expect([name, Math.abs(deviation / (limit / Math.sqrt(3)) - 1) < 0.02]).toEqual([name, true]);
      } else expect([name, new Set(values)]).toEqual([name, new Set([name.endsWith('weight') ? 1 : 0])]);
    }
  });

  it('make an encoder that runs', async () => {
    const random = randomWeights(architecture, 5);
    const encoder = await buildEncoder('random', architecture, random);
    const { vector } = await encoder.embed(tone);
    expect(vector.every(Number.isFinite)).toBe(true);
    expect(new Set(vector).size).toBeGreaterThan(vector.length / 2);
    await encoder.release();
  });
});

describe('buildEncoder', () => {
  it('hears with the weights it is given', async () => {
    const name = 'encoder.layers.0.linear1.weight';
    const encoder = await buildEncoder(
      'changed',
      architecture,
      changed(name, (values) => values.fill(0)),
    );
    const original = await buildEncoder('original', architecture, weights);
    const [a, b] = [await encoder.embed(tone), await original.embed(tone)];
    expect(maxDifference(a.vector, b.vector)).toBeGreaterThan(1e-3);
    await Promise.all([encoder.release(), original.release()]);
  });

  const build = (state: Map<string, StoredTensor>) => buildEncoder('broken', architecture, state);

  it('says what is missing, misshapen or not finite', async () => {
    const name = 'encoder.layers.1.norm2.bias';
    const without = new Map(weights);
    without.delete(name);
    await expect(build(without)).rejects.toThrow(
      `loadEncoder: broken lacks the tensor ${name} [64]; the checkpoint is not complete`,
    );
    const { data } = weights.get(name) as StoredTensor;
    const reshaped = new Map(weights).set(name, { dtype: 'F32', shape: [8, 8], data });
    await expect(build(reshaped)).rejects.toThrow(`loadEncoder: expected ${name} of shape [64], got [8,8] (broken)`);
    const broken = changed(name, (values) => (values[3] = Number.NaN));
    await expect(build(broken)).rejects.toThrow(`loadEncoder: ${name} of broken holds values that are not finite`);
    await expect(build(broken)).rejects.toBeInstanceOf(InputError);
  });

  it('says which families there are', () => {
    const foreign = new Map<string, StoredTensor>([
      ['conv1.weight', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }],
    ]);
    expect(() => recogniseWeights(foreign)).toThrow(InputError);
    expect(() => recogniseWeights(foreign)).toThrow(
      'loadEncoder: expected weights of echo, fisher, eat, speech, got tensors named conv1.weight, …',
    );
  });
});
