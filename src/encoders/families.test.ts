import { describe, expect, it } from 'vitest';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { parameterShapes, recogniseWeights } from './build.ts';
import { publishedWeights } from './catalogue.ts';
import { families } from './families.ts';
import { namedArchitectures } from './load.node.ts';
import { hintsOf, storedHints } from './stored-hints.ts';

/** Tensors of these shapes without numbers: all that recognising a model looks at. */
const hollow = (shapes: ReadonlyMap<string, readonly number[]>): Map<string, StoredTensor> =>
  new Map([...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape: [...shape], data: new Float32Array(0) }]));

describe.each([...namedArchitectures])('%s', (name, architecture) => {
  const state = hollow(parameterShapes(architecture));

  it('is known by its tensors, with its configuration', () => {
    // EAT's smaller sizes are FISHER's by their shapes: the file must say which they are.
    const { family } = architecture;
    // Of a student the tensors tell no more than that it is one.
    const small = family === 'eat' && Number(architecture.config.width) < 768;
    const told = family === 'student' ? hintsOf(architecture) : small ? { family } : {};
    const knowing = families.filter(({ recognises }) => recognises(state)).map(({ name: known }) => known);
    expect(knowing).toEqual([small ? 'fisher' : family]);
    const found = recogniseWeights(state, told);
    expect([found.family, found.config]).toEqual([architecture.family, architecture.config]);
    expect(parameterShapes(found)).toEqual(parameterShapes(architecture));
    expect(name.startsWith(`${family}-`) || family === 'speech').toBe(true);
  });

  it('is made again of its weights and what is stored beside them', () => {
    const { family, config } = recogniseWeights(
      state,
      storedHints(JSON.stringify({ hints: hintsOf(architecture) }), name),
    );
    expect([family, config]).toEqual([architecture.family, architecture.config]);
  });

  it('is incomplete without any one of the tensors that tell its size', () => {
    const telling = [
      'encoder.layers.0.self_attn.in_proj_weight',
      'blocks.0.attn.qkv.weight',
      'encoder.layers.0.fc1.weight',
      'encoder.layers.0.attention.q_proj.weight',
      'features.0.0.weight',
    ];
    const without = new Map(state);
    for (const first of telling) without.delete(first);
    expect(without.size).toBe(state.size - 1);
    expect(() => recogniseWeights(without)).toThrow(InputError);
  });
});

describe('hints', () => {
  const echo = hollow(parameterShapes(namedArchitectures.get('echo-tiny')!));
  const fisher = hollow(parameterShapes(namedArchitectures.get('fisher-mini')!));

  it('go before what shapes say', () => {
    expect(recogniseWeights(echo, { heads: 6 }).config).toMatchObject({ width: 192, heads: 6 });
    expect(recogniseWeights(fisher, { bandBins: 50, lengthMode: 'rmis' }).config).toEqual({
      width: 256,
      depth: 12,
      heads: 4,
      bandBins: 50,
      lengthMode: 'rmis',
    });
  });

  it('are refused where they do not fit', () => {
    expect(() => recogniseWeights(echo, { heads: 5 })).toThrow('loadEncoder: width 192 does not divide into 5 heads');
    expect(() => recogniseWeights(echo, { heads: 5 })).toThrow(InputError);
  });
});

it('knows every model that can be fetched, each at an address of its own', () => {
  for (const { id, url } of publishedWeights) {
    expect([id, namedArchitectures.has(id)]).toEqual([id, true]);
    expect(new URL(url).protocol).toBe('https:');
  }
  expect(new Set(publishedWeights.map(({ url }) => url)).size).toBe(publishedWeights.length);
  expect(publishedWeights.length).toBeGreaterThan(3);
});
