import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { float32 } from '../graph/runtime.ts';
import { beatsFbank, eatFbank, kaldiFbank } from '../signal/kaldi-fbank.ts';
import { matchInterface, modelInput, poolOutput } from './onnx-encoder.ts';
import type { OnnxSettings } from './onnx-settings.ts';

const signal = Float32Array.from(
  { length: 4000 },
  (_, i) => 0.4 * Math.sin(0.05 * i) + 0.1 * Math.sin(i * i * 1e-4) + 0.2,
);
const settings = (part: Partial<OnnxSettings>): OnnxSettings => ({
  frontEnd: { kind: 'kaldi' },
  shape: ['1', 'frames', 'mels'],
  pooling: 'mean',
  ...part,
});
const wave = settings({ frontEnd: { kind: 'waveform', scale: 3 }, shape: ['1', '1', 'samples'], pooling: 'none' });

describe('modelInput', () => {
  it('scales a waveform and gives it its axes', () => {
    const { data, shape } = modelInput(Float32Array.of(1, -2), 16000, wave);
    expect([[...(data as Float32Array)], shape]).toEqual([
      [3, -6],
      [1, 1, 2],
    ]);
  });

  it('lays features out as frames by mels, or mels by frames', () => {
    const { values, frames, bins } = kaldiFbank(signal, 16000);
    const rows = modelInput(signal, 16000, settings({ shape: ['1', '1', 'frames', 'mels'] }));
    expect(rows).toEqual(float32(values, [1, 1, frames, bins]));
    const columns = modelInput(signal, 16000, settings({ shape: ['1', 'mels', 'frames'] }));
    expect(columns.shape).toEqual([1, bins, frames]);
    for (const [t, m] of [
      [0, 0],
      [3, 1],
      [frames - 1, bins - 1],
    ]) {
      expect((columns.data as Float32Array)[m * frames + t]).toBe(values[t * bins + m]);
    }
  });

  it.each([
    // Rows that were padded before the normalisation hold (0 - mean) / deviation, those padded after it hold 0.
    ['pad-first', -0.5],
    ['normalise-first', 0],
  ] as const)('pads %s', (order, padding) => {
    const frontEnd = { kind: 'kaldi', mean: 2, deviation: 4, frames: 30, order } as const;
    const { values, frames } = kaldiFbank(signal, 16000);
    const data = modelInput(signal, 16000, settings({ frontEnd })).data as Float32Array;
    const wanted = Array.from({ length: 30 * 23 }, (_, i) => (i < frames * 23 ? (values[i] - 2) / 4 : padding));
    expect(frames).toBe(23);
    expect(maxDifference(data, wanted)).toBeLessThan(1e-6);
  });

  it('cuts to the frames that a model takes', () => {
    const frontEnd = { kind: 'kaldi', frames: 5 } as const;
    const { data, shape } = modelInput(signal, 16000, settings({ frontEnd }));
    expect(shape).toEqual([1, 5, 23]);
    expect(data).toEqual(kaldiFbank(signal, 16000).values.slice(0, 5 * 23));
  });

  it('hears what BEATs and EAT hear', () => {
    const beats = modelInput(signal, 16000, settings({ frontEnd: { kind: 'beats' } })).data as Float32Array;
    expect(maxDifference(beats, beatsFbank(signal).values)).toBeLessThan(1e-6);
    const eat = modelInput(signal, 16000, settings({ frontEnd: { kind: 'eat', frames: 23 } })).data as Float32Array;
    const wanted = eatFbank(signal).values.map((value) => (value + 4.268) / (2 * 4.569));
    expect(maxDifference(eat, wanted)).toBeLessThan(1e-5);
  });
});

describe('poolOutput', () => {
  const tokens = float32(Float32Array.of(1, 2, 3, 4, 5, 9), [1, 3, 2]);
  const none = settings({ pooling: 'none' });

  it.each([
    ['first', {}, [1, 2]],
    ['last', {}, [5, 9]],
    ['mean', {}, [3, 5]],
    ['mean', { skipTokens: 1 }, [4, 6.5]],
  ] as const)('%s %j', (pooling, part, wanted) => {
    expect([...poolOutput(tokens, settings({ pooling, ...part }))]).toEqual(wanted);
  });

  it('takes a vector as it is, and tokens in several axes', () => {
    expect([...poolOutput(float32(Float32Array.of(1, 2), [1, 2]), none)]).toEqual([1, 2]);
    expect([...poolOutput(float32(Float32Array.of(1, 2), [2]), none)]).toEqual([1, 2]);
    expect([...poolOutput(float32(tokens.data as Float32Array, [1, 3, 1, 2]), settings({}))]).toEqual([3, 5]);
  });

  it('is the mean over the tokens behind those it skips', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), fc.nat(5));
    fc.assert(
      fc.property(sizes, fc.float({ noNaN: true, min: -10, max: 10 }), ([count, width, skip], offset) => {
        const skipTokens = Math.min(skip, count - 1);
        const values = Float32Array.from({ length: count * width }, (_, i) => Math.sin(i) + offset);
        const pooled = poolOutput(float32(values, [1, count, width]), settings({ skipTokens }));
        const wanted = Array.from({ length: width }, (_, d) => {
          let sum = 0;
          for (let t = skipTokens; t < count; t++) sum += values[t * width + d];
          return sum / (count - skipTokens);
        });
        expect(maxDifference(pooled, wanted)).toBeLessThan(1e-5);
      }),
    );
  });

  it.each([
    [tokens, none, 'pooling: none: expected an output [D] or [1, D], got [1, 3, 2]; choose mean or first'],
    [float32(new Float32Array(4), [2, 2]), none, 'pooling: none: expected an output [D] or [1, D], got [2, 2]'],
    [float32(new Float32Array(2), [1, 2]), settings({}), 'pooling: mean: expected an output [1, T, D], got [1, 2]'],
    [
      float32(new Float32Array(8), [2, 2, 2]),
      settings({}),
      'pooling: mean: expected an output [1, T, D], got [2, 2, 2]',
    ],
    [float32(new Float32Array(4), [1, 2, 1, 2]), settings({ pooling: 'first' }), 'pooling: first: expected an output'],
    [tokens, settings({ skipTokens: 3 }), 'skipTokens: expected more than 3 tokens, got an output [1, 3, 2]'],
    [{ dtype: 'float64', shape: [2], data: Float64Array.of(1, 2) } as const, none, 'output: expected float32 values'],
  ])('refuses what does not fit (%#)', (value, how, message) => {
    expect(() => poolOutput(value, how)).toThrow(message);
  });
});

describe('matchInterface', () => {
  const x = { name: 'x', type: 'float', shape: [1, 'time', 23] };
  const y = { name: 'y', type: 'float', shape: ['?', 't', 8] };
  const z = { ...y, name: 'z' };
  const model = { inputs: [x], outputs: [y], parameters: 0, externalFiles: [] };

  it('takes the only ones, or those that are named', () => {
    expect(matchInterface(model, settings({}))).toEqual({ input: x, output: y });
    expect(matchInterface({ ...model, outputs: [y, z] }, settings({ input: 'x', output: 'z' })).output).toBe(z);
    const silent = { ...model, inputs: [{ name: 'x' }], outputs: [{ name: 'y' }] };
    expect(matchInterface(silent, settings({})).input.name).toBe('x');
  });

  it.each([
    [{ input: 'w' }, {}, 'input: the model has no input w; it has x'],
    [{ output: 'w' }, {}, 'output: the model has no output w; it has y'],
    [{}, { outputs: [y, z] }, 'output: expected a name, as the model has 2 outputs: y, z'],
    [{}, { inputs: [x, { name: 'mask' }] }, 'input: expected a model with one input, got 2: x, mask'],
    [{}, { inputs: [{ ...x, type: 'float16' }] }, 'input: expected x to be float (32 bits), got float16'],
    [{ shape: ['frames', 'mels'] }, {}, "shape: the model's input x is [1, time, 23], the settings make [frames, 23]"],
    [
      { frontEnd: { kind: 'kaldi', mels: 64 } },
      {},
      "shape: the model's input x is [1, time, 23], the settings make [1, frames, 64]",
    ],
    [{ frontEnd: { kind: 'kaldi', useEnergy: true } }, {}, 'the settings make [1, frames, 24]'],
    [
      { frontEnd: { kind: 'kaldi', frames: 9 } },
      { inputs: [{ ...x, shape: [1, 10, 23] }] },
      'the settings make [1, 9, 23]',
    ],
    [{ pooling: 'none' }, {}, 'pooling: none: expected an output [D] or [1, D], got [?, t, 8]'],
  ] as const)('refuses %j with %j', (part, change, message) => {
    const how = settings(part as Partial<OnnxSettings>);
    expect(() => matchInterface({ ...model, ...change } as typeof model, how)).toThrow(message);
  });
});
