import { describe, expect, it } from 'vitest';
import { tinyEncoder } from '../encoders/tiny-encoders.test-util.ts';
import { InputError } from '../signal/errors.ts';
import { plainState, type TuneShape, tunedConfig } from './tuned-plan.ts';

const shape: TuneShape = { sampleRate: 12_000, cropSeconds: 0.5, hopSeconds: 0.1, mix: true, embedding: 8 };
const configOf = (name: string, changes: Partial<TuneShape> = {}) =>
  tunedConfig({ id: `my-${name}`, ...tinyEncoder(name) }, { ...shape, ...changes });

describe('tunedConfig', () => {
  it('takes the rate of the data, or that of an encoder which knows no other', () => {
    expect(configOf('echo')).toMatchObject({ sampleRate: 12_000, cropSamples: 6000, hopSamples: 1200 });
    expect(configOf('beats')).toMatchObject({ sampleRate: 16_000, cropSamples: 8000, hopSamples: 1600 });
    expect(configOf('echo', { hopSeconds: 1e-9 }).hopSamples).toBe(1);
  });

  it('says of the encoder below what its shapes do not', () => {
    expect(configOf('wavlm').base).toEqual({
      family: 'speech',
      hints: { family: 'speech', heads: 2, blockNorm: 'post', normalize: 'none', maxDistance: 40 },
    });
    expect(configOf('ced').base.hints).toEqual({ family: 'ced', heads: 2, targetLength: 100 });
  });

  it('pools class tokens where there are some, and else the mean, unless it is told', () => {
    for (const name of ['echo', 'fisher', 'eat', 'audiomae']) expect(configOf(name).pooling).toBe('cls');
    for (const name of ['ced', 'dasheng', 'beats', 'wav2vec2']) expect(configOf(name).pooling).toBe('mean');
    expect(configOf('echo', { pooling: 'attentive' }).pooling).toBe('attentive');
  });

  it.each<[string, string, Partial<TuneShape>, RegExp]>([
    [
      'crops too short',
      'echo',
      { cropSeconds: 0.01 },
      /expected crops of at least 0\.025 s for my-echo at 12000 Hz, got 0\.01 s/,
    ],
    ['crops too long', 'ced', { cropSeconds: 1.1 }, /ced: expected crops of at most 15999 samples/],
    [
      'class tokens of none',
      'ced',
      { pooling: 'cls' },
      /expected an encoder with a class token .*, but my-ced has none; take mean/,
    ],
    ['a rate too low', 'echo', { sampleRate: 50 }, /expected a sample rate of at least 100 Hz/],
  ])('refuses %s', (_, name, changes, message) => {
    expect(() => configOf(name, changes)).toThrow(message);
    expect(() => configOf(name, changes)).toThrow(InputError);
  });

  it('refuses an encoder that cannot be fine-tuned', () => {
    const { architecture } = tinyEncoder('echo');
    const { trunk: _, ...without } = architecture;
    expect(() => tunedConfig({ id: 'x', architecture: without, weights: new Map() }, shape)).toThrow(
      /expected an encoder that can be fine-tuned, got one of family echo/,
    );
  });
});

describe('states of a run', () => {
  const [a, b] = [Float32Array.of(1), Float32Array.of(2)];
  const parameters = new Map([
    ['trunk.a', a],
    ['head.b', b],
  ]);
  const state = { step: 3, parameters, teacher: new Map(), first: new Map(), second: new Map() };

  it('are as they are without low-rank additions', () => {
    expect(plainState(state, { kind: 'all' })).toBe(state);
  });
});
