// A benchmark that is stopped half way goes on where it stopped, and finds what it would have found.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, type SuiteRun, smallSets, writeDataSet } from './bench-data.ts';
import { mainScript, scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
const data = at('data');
const only = ['dcase2023', 'iica', 'cwru', 'mafaulda-vibration'];

const bench = (storeFolder: string, onProgress?: () => void) =>
  run({ suite: 'siren', data, storeFolder, only, ...(onProgress && { onProgress }) });

let whole: SuiteRun;
beforeAll(async () => {
  for (const id of ['dcase2023', 'iica', 'cwru', 'mafaulda']) writeDataSet(data, id, smallSets[id]);
  whole = await bench(at('whole'));
});

/** Files with embeddings in a store. */
const packs = (store: string): string[] =>
  existsSync(store)
    ? readdirSync(store, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.pack'))
        .map((path) => join(store, path))
    : [];

const copyOfStore = (name: string): string => {
  cpSync(at('whole'), at(name), { recursive: true });
  return at(name);
};

describe('a run that was stopped', () => {
  it('has something to lose', () => {
    expect(whole.embedded).toBe(2 * (98 + 40 + 30 + 20));
    expect(packs(at('whole'))).toHaveLength(2 * 4);
  });

  it.each([1, 98, 150])('after %i recordings embeds the others, and ends alike', async (stop) => {
    const store = at(`stopped${stop}`);
    let done = 0;
    const stopped = bench(store, () => {
      if (++done === stop) throw new Error('stopped');
    });
    await expect(stopped).rejects.toThrow('stopped');
    const again = await bench(store);
    expect(again.result).toEqual(whole.result);
    expect(again.embedded).toBe(whole.embedded - stop);
  });

  it('by force ends alike, too', async () => {
    const options = { suite: 'rmis', data, only: ['dcase2023'], encoders: 'spectral' } as const;
    const store = at('killed');
    const child = spawn(
      process.execPath,
      [
        mainScript,
        'bench',
        'rmis',
        '--data',
        data,
        '--only',
        'dcase2023',
        '--encoder',
        'spectral',
        '--workers',
        '0',
        '--cache',
        store,
      ],
      { stdio: 'ignore' },
    );
    const ended = once(child, 'exit');
    while (!packs(store).some((path) => statSync(path).size > 0) && child.exitCode === null) await sleep(2);
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    const again = await run({ ...options, storeFolder: store });
    const first = await run({ ...options, storeFolder: at('unkilled') });
    expect(again.result).toEqual(first.result);
    expect(first.embedded).toBe(98);
    expect(again.embedded).toBeGreaterThan(0);
    expect(again.embedded).toBeLessThan(98);
  });
});

describe('a store', () => {
  it.each<[string, (path: string, size: number) => void]>([
    ['cut in the values of its last record', (path, size) => truncateSync(path, size - 7)],
    ['cut in the middle', (path, size) => truncateSync(path, Math.floor(size / 2))],
    ['ending in zeros', (path, size) => writeFileSync(path, readFileSync(path).fill(0, Math.floor(size / 3)))],
    ['with a header overwritten', (path) => writeFileSync(path, readFileSync(path).fill(0x20, 20, 40))],
    ['of noise', (path, size) => writeFileSync(path, Buffer.alloc(size, 'THRM'))],
  ])('%s costs only what was lost', async (what, damage) => {
    const store = copyOfStore(what);
    for (const path of packs(store)) damage(path, statSync(path).size);
    const again = await bench(store);
    expect(again.result).toEqual(whole.result);
    expect(again.embedded).toBeGreaterThan(0);
    expect((await bench(store)).embedded).toBe(0);
  });

  it.each(['{', '{}'])('reads files again where its list of hashes is %j', async (text) => {
    const store = copyOfStore(`hashes ${Buffer.from(text).toString('hex')}`);
    writeFileSync(join(store, 'hashes.json'), text);
    const again = await bench(store);
    expect(again.result).toEqual(whole.result);
    expect(again.embedded).toBe(0);
  });
});
