import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { fusedNames } from './fusion-file.node.ts';
import { countParameters, encoderNames, identifyEncoder, loadEncoder } from './load.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-fused-'));
const before = process.env.THRUM_MODELS;
beforeAll(() => {
  process.env.THRUM_MODELS = folder;
});
afterAll(() => {
  if (before === undefined) delete process.env.THRUM_MODELS;
  else process.env.THRUM_MODELS = before;
  rmSync(folder, { recursive: true });
});

const random = createRandom('fused');
const recording = {
  channels: [Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i / 5) + random.gaussian(0, 0.2))],
  sampleRate: 8000,
  name: 'hum',
};

async function embed(encoder: string) {
  const loaded = await loadEncoder({ encoder });
  const embedding = await loaded.embed(recording, { frames: true });
  await loaded.release();
  return { ...embedding, id: loaded.id, fingerprint: loaded.fingerprint };
}

describe('encoders heard as one', () => {
  it('a+b: both embeddings, each over the root of its length; bands and frames of the first', async () => {
    const [a, b, both] = [
      await embed('spectral'),
      await embed('echo-tiny@random'),
      await embed('spectral+echo-tiny@random'),
    ];
    const scaled = [a, b].flatMap(({ vector }) => Array.from(vector, (value) => value / Math.sqrt(vector.length)));
    expect(maxDifference(both.vector, scaled)).toBeLessThan(1e-6);
    expect(both.bands).toEqual(a.bands);
    expect(both.frames).toEqual(a.frames);
    expect(both.id).toBe('spectral+echo-tiny@random');
    expect(both.fingerprint).toBe((await identifyEncoder({ encoder: 'spectral+echo-tiny@random' })).fingerprint);
    expect(await countParameters({ encoder: 'spectral+echo-tiny@random' })).toBe(5_437_440);
  });

  it('a file lists parts and weights; the untrained twin keeps what has no weights', async () => {
    const parts = [
      { encoder: 'spectral-shape', scale: 0.5 },
      { encoder: 'echo-tiny@random', scale: 2 },
    ];
    writeFileSync(join(folder, 'pair.json'), JSON.stringify({ format: 'thrum-fusion', parts }));
    const [a, b, pair] = [await embed('spectral-shape'), await embed('echo-tiny@random'), await embed('pair')];
    const scaled = [a, b].flatMap(({ vector }, i) =>
      Array.from(vector, (value) => (parts[i].scale * value) / Math.sqrt(vector.length)),
    );
    expect(maxDifference(pair.vector, scaled)).toBeLessThan(1e-6);
    expect(fusedNames()).toContain('pair');
    expect(encoderNames()).toContain('pair');
    const swapped = parts.map(({ encoder }) => ({ encoder, scale: 1 }));
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ format: 'thrum-fusion', parts: swapped }));
    expect((await embed('other')).fingerprint).not.toBe(pair.fingerprint);
  });

  it('refuses a list that is none, and parts that are not there', async () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    for (const [name, text] of [
      ['damaged', '{'],
      ['single', JSON.stringify({ format: 'thrum-fusion', parts: [{ encoder: 'spectral', scale: 1 }] })],
      [
        'negative',
        JSON.stringify({ format: 'thrum-fusion', parts: [1, 2].map(() => ({ encoder: 'spectral', scale: -1 })) }),
      ],
    ]) {
      writeFileSync(join(folder, `${name}.json`), text);
      await expect(loadEncoder({ encoder: name }), name).rejects.toThrow(InputError);
      await expect(loadEncoder({ encoder: name }), name).rejects.toThrow(
        /does not list the parts of an encoder .*; restore it/,
      );
    }
    await expect(loadEncoder({ encoder: 'spectral+nothing' })).rejects.toThrow(/no encoder or file named nothing/);
  });
});
