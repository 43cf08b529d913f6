import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { randomWeights } from '../../encoders/build.ts';
import { countParameters, namedArchitectures } from '../../encoders/load.node.ts';
import { writeSafetensors } from '../../graph/safetensors.ts';
import { InputError } from '../../signal/errors.ts';
import { listenersFrom } from './listeners.node.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-listeners-'));
const models = join(root, 'models');
mkdirSync(models);
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const names = async (list: string) => (await listenersFrom(list)).map(({ name }) => name);

describe('listenersFrom', () => {
  it('adds the baseline at the end, once', async () => {
    expect(await names('spectral-shape')).toEqual(['spectral-shape', 'spectral']);
    expect(await names('spectral,spectral-shape')).toEqual(['spectral', 'spectral-shape']);
    expect(await names(' spectral , spectral,')).toEqual(['spectral']);
  });

  it('makes two rows of a fusion, and of nothing in it a row of its own', async () => {
    const [joined, averaged, alone] = await listenersFrom('spectral-25ms + spectral-shape');
    expect(joined).toMatchObject({
      name: 'spectral-25ms + spectral-shape (concatenated)',
      fusion: 'concatenated',
      parts: [{ encoder: 'spectral-25ms' }, { encoder: 'spectral-shape' }],
      parameters: 0,
    });
    expect(averaged).toMatchObject({ name: 'spectral-25ms + spectral-shape (scores averaged)', fusion: 'averaged' });
    expect(joined.fingerprint).toBe('spectral:0.025:mean + spectral:0.01:shape+spread');
    expect(alone).toMatchObject({ name: 'spectral', parameters: 0, fingerprint: 'spectral:0.01:mean+spread' });
    expect(alone.fusion).toBeUndefined();
  });

  it('hands on where encoders run', async () => {
    const [{ parts }] = await listenersFrom('spectral', { threads: 1 });
    expect(parts).toEqual([{ encoder: 'spectral', threads: 1 }]);
  });

  it('sets an untrained twin beside a named encoder, and none beside a twin or a fusion', async () => {
    const architecture = namedArchitectures.get('echo-tiny');
    if (!architecture) throw new Error('no echo-tiny');
    writeFileSync(join(models, 'echo-tiny.safetensors'), writeSafetensors(randomWeights(architecture, 5)));
    vi.stubEnv('THRUM_MODELS', models);
    const found = await listenersFrom('echo-tiny@random,echo-tiny,spectral+echo-tiny');
    expect(found.map(({ name }) => name)).toEqual([
      'echo-tiny@random',
      'echo-tiny',
      'spectral + echo-tiny (concatenated)',
      'spectral + echo-tiny (scores averaged)',
      'spectral',
    ]);
    const [twin, trained, joined] = found;
    const parameters = await countParameters({ encoder: 'echo-tiny@random' });
    expect([twin, trained, joined].map((row) => row.parameters)).toEqual([parameters, parameters, parameters]);
    expect(twin.fingerprint).not.toBe(trained.fingerprint);
    expect(joined.fingerprint).toBe(`spectral:0.01:mean+spread + ${trained.fingerprint}`);
    expect((await listenersFrom('echo-tiny')).map(({ name }) => name)).toEqual([
      'echo-tiny',
      'echo-tiny@random',
      'spectral',
    ]);
  });

  it('sets a twin beside weights given by their path, too, and names both without it', async () => {
    const architecture = namedArchitectures.get('echo-tiny');
    if (!architecture) throw new Error('no echo-tiny');
    const path = join(models, 'mine.safetensors');
    writeFileSync(path, writeSafetensors(randomWeights(architecture, 5)));
    const found = await listenersFrom(path);
    expect(found.map(({ name }) => name)).toEqual(['mine.safetensors', 'mine.safetensors@random', 'spectral']);
    expect(found[1].parameters).toBe(found[0].parameters);
    expect(found[1].fingerprint).not.toBe(found[0].fingerprint);
  });

  it.each([
    ['', /--encoder: expected at least one encoder, got none/],
    [' , ', /expected at least one encoder/],
    ['spectral+', /--encoder: expected names, joined by \+ where they are fused, got spectral\+/],
    ['moon', /moon/],
    ['spectral+moon', /moon/],
  ])('refuses %j', async (list, message) => {
    await expect(listenersFrom(list)).rejects.toThrow(InputError);
    await expect(listenersFrom(list)).rejects.toThrow(message);
  });

  it('says where weights come from that are not there', async () => {
    vi.stubEnv('THRUM_MODELS', models);
    await expect(listenersFrom('fisher-mini')).rejects.toThrow(/fisher-mini.*(pull|import)/);
  });
});
