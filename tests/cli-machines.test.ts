// A detector of many machines from the command line: fitted, and scored with, as the detectors of each would.
import { mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complaints, jsonLines, output, refusal, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { at } = scratchFolder();

describe('thrum fit --machines', () => {
  it('makes a detector for each machine, which thrum score chooses by folder or table', () => {
    const folders = { 'pump-1': 300, 'fan.2': 600 };
    for (const [i, [machine, hz]] of Object.entries(folders).entries()) {
      writeHums(at('plant', machine, '2024'), 5, 10 * i + 1, hz);
      writeHums(at('today', machine), 2, 100 + 10 * i, hz);
    }
    writeHums(at('today', 'stranger'), 1);
    const fit = ['fit', at('plant'), '--machines', 'folder', '--out', at('plant.shards')];
    expect(output(thrum(fit))).toMatch(/2 machines, \d+ bytes, \d+ for each/);
    expect(readdirSync(at('plant.shards')).sort()).toEqual(['fan.2.thrum', 'index.json', 'pump-1.thrum']);
    expect(refusal(thrum(fit), 1)).toMatch(/is not empty/);

    const scored = thrum(['score', at('today'), '--detector', at('plant.shards'), '--json', '--detector-memory', '1']);
    const rows = jsonLines<Record<string, unknown>>(scored, 1);
    expect(scored.stderr).toMatch(/stranger.*no machine is named for it/);
    expect(rows.map(({ machine }) => machine)).toEqual(['fan.2', 'fan.2', 'pump-1', 'pump-1']);
    const apart = Object.keys(folders)
      .sort()
      .flatMap((machine) =>
        jsonLines<Record<string, unknown>>(
          thrum(['score', at('today', machine), '--detector', at('plant.shards', `${machine}.thrum`), '--json']),
        ).map((row) => ({ machine, ...row })),
      );
    expect(rows).toEqual(apart);

    // What is another machine's is not usual.
    const swapped = at('swapped', 'pump-1');
    mkdirSync(swapped, { recursive: true });
    writeHums(swapped, 1, 200, 600);
    const [row] = jsonLines<{ anomalous: boolean }>(
      thrum(['score', swapped, '--detector', at('plant.shards'), '--json']),
    );
    expect(row.anomalous).toBe(true);
    expect(
      refusal(thrum(['score', swapped, '--detector', at('plant.shards', 'pump-1.thrum'), '--machines', 'x.csv']), 2),
    ).toMatch(/needs a folder made with thrum fit --machines/);
    expect(
      complaints(
        thrum(['score', swapped, '--detector', at('plant.shards'), '--queue', 'nats://x', '--out', 'y']),
        2,
      )[0],
    ).toMatch(/--queue takes the detector of one machine/);
  });
});
