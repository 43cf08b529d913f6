import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { goldenPath, readGolden } from '../../tests/golden.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { writeTorchFile } from './checkpoint/torch-file.test-util.ts';
import { encoderNames, findWeights, loadEncoder, readCheckpoint } from './load.node.ts';
import { modelFolders, userModelFolder } from './model-folders.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => vi.stubEnv('THRUM_MODELS', folder));
afterEach(() => vi.unstubAllEnvs());

const mini = goldenPath('echo/mini64.weights.safetensors');
const weights = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
const tone = {
  channels: [Float32Array.from({ length: 4000 }, (_, i) => Math.sin(0.3 * i))],
  sampleRate: 16000,
  name: 'tone',
};

/** Loads, embeds the tone, releases. */
async function hear(encoder: string, hints = {}): Promise<{ id: string; fingerprint: string; vector: number[] }> {
  const loaded = await loadEncoder({ encoder, hints });
  const { vector } = await loaded.embed(tone);
  await loaded.release();
  return { id: loaded.id, fingerprint: loaded.fingerprint, vector: [...vector] };
}

describe('loadEncoder', () => {
  it('knows the spectral ones by name', async () => {
    const { id, fingerprint } = await loadEncoder({ encoder: 'spectral-25ms' });
    expect([id, fingerprint]).toEqual(['spectral-25ms', 'spectral:0.025:mean']);
  });

  it('loads weights from a path, with hints', async () => {
    const one = await hear(mini, { heads: 2 });
    expect(one.id).toBe('mini64.weights.safetensors');
    const other = await hear(mini);
    expect(other.fingerprint).not.toBe(one.fingerprint);
    expect(other.vector).not.toEqual(one.vector);
  });

  it('finds weights by name in the folder of models', async () => {
    expect(findWeights('echo-tiny')).toBeUndefined();
    writeFileSync(join(folder, 'echo-tiny.safetensors'), writeSafetensors(weights, { thrum: '{"hints":{"heads":2}}' }));
    expect(findWeights('echo-tiny')).toBe(join(folder, 'echo-tiny.safetensors'));
    const found = await hear('echo-tiny');
    rmSync(join(folder, 'echo-tiny.safetensors'));
    expect(found).toEqual({ ...(await hear(mini, { heads: 2 })), id: 'echo-tiny' });
  });

  it('makes untrained ones, the same for the same seed', async () => {
    const plain = await hear('echo-tiny@random');
    expect(plain.id).toBe('echo-tiny@random');
    expect(await hear('echo-tiny@random0')).toEqual({ ...plain, id: 'echo-tiny@random0' });
    const other = await hear('echo-tiny@random7');
    expect(other.fingerprint).not.toBe(plain.fingerprint);
    expect(other.vector).not.toEqual(plain.vector);
    expect(plain.vector.every(Number.isFinite)).toBe(true);
  });

  it('has no untrained twin of what has no weights', async () => {
    await expect(loadEncoder({ encoder: 'spectral@random' })).rejects.toThrow(
      'loadEncoder: spectral has no weights that could be random; leave @random out',
    );
  });

  it('says how to get weights that are not there', async () => {
    const load = loadEncoder({ encoder: 'fisher-mini' });
    await expect(load).rejects.toBeInstanceOf(InputError);
    await expect(load).rejects.toThrow(
      'loadEncoder: the weights of fisher-mini are not on this machine; fetch them with `thrum models pull fisher-mini`, convert a checkpoint with `thrum models import FILE --name fisher-mini`, or use fisher-mini@random (untrained)',
    );
  });

  it.each([
    'nothing',
    'echo-huge',
    'echo-tiny@randomly',
    'constructor',
    '__proto__',
    '',
  ])('refuses the name %j, and says which there are', async (encoder) => {
    const load = loadEncoder({ encoder });
    await expect(load).rejects.toBeInstanceOf(InputError);
    await expect(load).rejects.toThrow(
      `loadEncoder: no encoder or file named ${encoder}; the encoders are thrum-1, spectral, spectral-10ms,`,
    );
  });

  it('lists every name once', () => {
    const names = encoderNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['spectral', 'echo-small', 'fisher-tiny']));
  });
});

describe('the folders of models', () => {
  it('are the one of THRUM_MODELS, else of the user, then those of the package', () => {
    expect(userModelFolder()).toBe(folder);
    expect(modelFolders()[0]).toBe(folder);
    vi.stubEnv('THRUM_MODELS', undefined);
    vi.stubEnv('XDG_CACHE_HOME', '/cache');
    expect(modelFolders()[0]).toBe('/cache/thrum/models');
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    vi.stubEnv('HOME', '/home/somebody');
    expect(userModelFolder()).toBe('/home/somebody/.cache/thrum/models');
  });
});

describe('readCheckpoint', () => {
  const write = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('reads safetensors and PyTorch files, whatever they are called', () => {
    expect([...readCheckpoint(mini).weights.keys()].sort()).toEqual([...weights.keys()].sort());
    expect(readCheckpoint(goldenPath('torch/fisher.pt')).weights.size).toBeGreaterThan(0);
    expect(readCheckpoint(goldenPath('torch/types_legacy.pt')).weights.size).toBeGreaterThan(0);
  });

  it("says what the family makes of the file's settings, and before it what it is told", () => {
    const model = readGolden('fisher/weights.safetensors') as Map<string, StoredTensor>;
    const cfg = { model: { num_heads: 2, image: { band_width: 80 } } };
    const path = write('fisher.pt', writeTorchFile({ cfg, model }));
    expect(readCheckpoint(path).hints).toEqual({ heads: 2, bandBins: 80 });
    expect(readCheckpoint(path, { bandBins: 60 }).hints).toEqual({ heads: 2, bandBins: 60 });
    // The bins of a band are of no concern to ECHO.
    expect(readCheckpoint(write('echo.pt', writeTorchFile({ cfg, model: weights }))).hints).toEqual({});
  });

  it.each([
    [
      'that is missing',
      () => join(folder, 'missing.safetensors'),
      /loadEncoder: cannot read .*missing\.safetensors: there is no such file/,
    ],
    [
      'that is a folder',
      () => mkdirSync(join(folder, 'models'), { recursive: true }) ?? join(folder, 'models'),
      /loadEncoder: cannot read .*models: it is a folder/,
    ],
    ['that is empty', () => write('empty.pt', ''), /expected 8 bytes of header length, found 0 \(empty\.pt/],
    ['of another kind', () => write('text.pt', 'hello, this is text'), /text\.pt/],
    ['that would run code', () => goldenPath('torch/malicious.pt'), /the class posix\.system, which is refused/],
    [
      'with damaged settings',
      () => write('cut.safetensors', writeSafetensors(weights, { thrum: '{"hints":{"he' })),
      /the settings in cut\.safetensors are damaged; import the weights again/,
    ],
    [
      'with wrong settings',
      () => write('wrong.safetensors', writeSafetensors(weights, { thrum: '{"hints":{"heads":"two"}}' })),
      /the settings in wrong\.safetensors are damaged/,
    ],
  ])('refuses a file %s', (_, path, message) => {
    const file = path();
    expect(() => readCheckpoint(file)).toThrow(message);
    expect(() => readCheckpoint(file)).toThrow(InputError);
  });
});
