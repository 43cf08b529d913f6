import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { goldenPath, maxDifference } from '../../tests/golden.ts';
import { readSafetensors } from '../graph/safetensors.ts';
import { InputError } from '../signal/errors.ts';
import { importWeights, pullWeights, sha256Of } from './import.node.ts';
import { loadEncoder } from './load.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => vi.stubEnv('THRUM_MODELS', folder));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

const mini = goldenPath('echo/mini64.weights.safetensors');
const tone = {
  channels: [Float32Array.from({ length: 4000 }, (_, i) => Math.sin(0.3 * i))],
  sampleRate: 16000,
  name: 'tone',
};

async function hear(encoder: string, hints = {}) {
  const loaded = await loadEncoder({ encoder, hints });
  const { vector } = await loaded.embed(tone);
  await loaded.release();
  return { fingerprint: loaded.fingerprint, vector };
}

describe('importWeights', () => {
  it('makes weights that are found by name and hear the same', async () => {
    const imported = await importWeights(mini, { name: 'echo-tiny', hints: { heads: 2 } });
    expect(imported.path).toBe(join(folder, 'echo-tiny.safetensors'));
    expect(imported.largestDifference).toBe(0);
    expect(imported.sha256).toBe(sha256Of(readFileSync(imported.path)));
    expect(imported.architecture.config).toEqual({ width: 64, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 });
    expect(await hear('echo-tiny')).toEqual(await hear(mini, { heads: 2 }));
    expect(readdirSync(folder)).toEqual(['echo-tiny.safetensors']);
    const { tensors, metadata } = readSafetensors(readFileSync(imported.path));
    expect(JSON.parse(metadata.thrum)).toEqual({
      family: 'echo',
      config: imported.architecture.config,
      hints: { heads: 2 },
      importedFrom: 'mini64.weights.safetensors',
    });
    const values = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(values).toBe(imported.parameters);
  });

  it('keeps the position table of a FISHER checkpoint', async () => {
    const file = goldenPath('fisher/weights.safetensors');
    const hints = { heads: 2, bandBins: 50, lengthMode: 'rmis' as const };
    const { path, architecture } = await importWeights(file, { out: join(folder, 'deep', 'f.safetensors'), hints });
    expect(architecture).toMatchObject({ family: 'fisher', config: hints });
    expect(
      [...readSafetensors(readFileSync(path)).tensors.keys()].filter((key) => key.includes('positions')),
    ).toHaveLength(1);
    expect(await hear(path)).toEqual(await hear(file, hints));
    // What was imported can be imported again, to the same file.
    const again = await importWeights(path, { out: join(folder, 'again.safetensors') });
    expect((await hear(again.path)).vector).toEqual((await hear(path)).vector);
  });

  it('halves the file for float16, and says what that costs', async () => {
    const whole = await importWeights(mini, { name: 'whole', hints: { heads: 2 } });
    const half = await importWeights(mini, { name: 'half', hints: { heads: 2 }, float16: true });
    expect(statSync(half.path).size / statSync(whole.path).size).toBeLessThan(0.51);
    expect(half.largestDifference).toBeGreaterThan(1e-6);
    expect(half.largestDifference).toBeLessThan(0.01);
    const [a, b] = [await hear(whole.path), await hear(half.path)];
    expect(maxDifference(a.vector, b.vector)).toBeLessThan(10 * half.largestDifference);
    expect(a.fingerprint).not.toBe(b.fingerprint);
  });

  it.each([
    ['torch/echo.pth', /expected weights of echo, fisher, eat, speech, got tensors named/],
    ['torch/fisher.pt', /expected weights of echo, fisher, eat, speech, got tensors named/],
    ['torch/malicious.pt', /refused: Thrum never executes code from files/],
    ['audio/sine1k.mp3', /sine1k\.mp3/],
  ])('refuses %s, and writes nothing', async (file, message) => {
    await expect(importWeights(goldenPath(file))).rejects.toThrow(message);
    await expect(importWeights(goldenPath(file))).rejects.toBeInstanceOf(InputError);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('pullWeights', () => {
  const published = { id: 'echo-tiny', url: 'https://example.org/weights', source: 'a test' };
  const bytes = new Uint8Array(readFileSync(mini));
  const answer = (response: () => Response) => {
    const fetch = vi.fn(async (_url: string) => response());
    vi.stubGlobal('fetch', fetch);
    return fetch;
  };

  it('fetches, checks and imports', async () => {
    const fetch = answer(() => new Response(bytes));
    const pulled = await pullWeights(published, sha256Of(bytes).toUpperCase());
    expect(fetch.mock.calls).toEqual([['https://example.org/weights']]);
    expect(pulled.fetched).toBe(sha256Of(bytes));
    expect(readdirSync(folder)).toEqual(['echo-tiny.safetensors']);
    expect((await hear('echo-tiny')).vector).toEqual((await hear(mini)).vector);
  });

  it('says in one line that the machine is offline', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('fetch failed');
    });
    const pull = pullWeights(published, undefined);
    await expect(pull).rejects.toBeInstanceOf(InputError);
    await expect(pull).rejects.toThrow(
      /^models pull: https:\/\/example\.org\/weights could not be reached \(this machine seems to be offline\); fetch the file elsewhere, then: thrum models import FILE --name echo-tiny$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [
      'the server refuses',
      () => new Response('', { status: 404, statusText: 'Not Found' }),
      undefined,
      /answered 404 Not Found; try later/,
    ],
    [
      'the file is another',
      () => new Response(bytes),
      'ab'.repeat(32),
      /expected SHA-256 (ab){32}, got [0-9a-f]{64}; the file is not what was asked for, and was not kept/,
    ],
    ['it is no checkpoint', () => new Response('<html>log in</html>'), undefined, /echo-tiny/],
  ])('keeps nothing where %s', async (_, response, sha256, message) => {
    answer(response);
    await expect(pullWeights(published, sha256)).rejects.toThrow(message);
    await expect(pullWeights(published, sha256)).rejects.toBeInstanceOf(InputError);
    expect(existsSync(folder) && readdirSync(folder)).toEqual([]);
  });

  it('checks against the published checksum where there is one', async () => {
    answer(() => new Response(bytes));
    await expect(pullWeights({ ...published, sha256: '00'.repeat(32) }, undefined)).rejects.toThrow(
      /expected SHA-256 (00){32}/,
    );
    await expect(pullWeights({ ...published, sha256: sha256Of(bytes) }, undefined)).resolves.toMatchObject({
      parameters: expect.any(Number),
    });
  });
});
