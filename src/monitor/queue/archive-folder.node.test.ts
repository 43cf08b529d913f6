import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import type { ArchiveHeard, ArchivePlan } from '../hearing/archive-job.ts';
import { openArchiveFolder } from './archive-folder.node.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thrum-archive-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plan: ArchivePlan = { kind: 'score', detector: 'b'.repeat(64), resample: true, perSegment: true, read: {} };
const files = ['b "x".wav', 'a,\n1.wav', 'c.wav', 'd.wav'];
const heard = (file: string, ...failures: string[]): ArchiveHeard => ({
  scores: [
    {
      recording: file,
      channel: '1',
      segment: 0,
      start: 0,
      seconds: 1,
      score: 0.1,
      threshold: 2,
      pValue: 0.5,
      anomalous: false,
    },
  ],
  embeddings: [],
  failures: failures.map((message) => ({ file, message })),
});
const nothing = (file: string, message: string): ArchiveHeard => ({
  scores: [],
  embeddings: [],
  failures: [{ file, message }],
});

describe('openArchiveFolder', () => {
  it('knows what is done, keeps failures of recordings in it, and forgets those of whole files', async () => {
    const first = await openArchiveFolder(folder, plan, files);
    first.add(files[0], heard(files[0]));
    first.add(files[1], heard(files[1], 'second record, "odd"\nand more', 'third'));
    first.add(files[2], nothing(files[2], 'no recording'));
    expect(first.isDone(files[0])).toBe(false);
    first.write();
    first.add(files[3], heard(files[3]));
    first.close();
    // What was not written is not there.
    const second = await openArchiveFolder(folder, plan, files);
    expect(second.run).toBe(first.run);
    expect(files.map(second.isDone)).toEqual([true, true, false, false]);
    expect(second.totals()).toEqual({ files: 2, failed: 1, rows: 2, parts: 1 });
    second.add(files[2], heard(files[2]));
    second.write();
    expect(readdirSync(folder).filter((name) => name.startsWith('part'))).toEqual([
      'part-00000.parquet',
      'part-00001.parquet',
    ]);
    const name = '"a,\n1.wav"';
    expect(readFileSync(join(folder, 'failed.csv'), 'utf8')).toBe(
      `file,reason\n${name},"second record, ""odd"" and more"\n${name},third\n`,
    );
    second.close();
  });

  it('removes halves of files, and refuses what is not its own', async () => {
    const first = await openArchiveFolder(folder, plan, files);
    await expect(openArchiveFolder(folder, plan, files)).rejects.toThrow(InputError);
    first.close();
    writeFileSync(join(folder, 'part-00000.parquet.1234.tmp'), 'half');
    (await openArchiveFolder(folder, plan, files)).close();
    expect(readdirSync(folder)).toEqual(['archive.json']);
    await expect(openArchiveFolder(folder, { ...plan, perSegment: false }, files)).rejects.toThrow(/\(perSegment\)/);
    writeFileSync(join(folder, 'archive.json'), '{"format":');
    await expect(openArchiveFolder(folder, plan, files)).rejects.toThrow(/archive.json is damaged/);
    rmSync(join(folder, 'archive.json'));
    writeFileSync(join(folder, 'part-00000.parquet'), 'PAR1');
    await expect(openArchiveFolder(folder, plan, files)).rejects.toThrow(/partitions of something else/);
  });

  it('has a row in failed.csv for a file of which nothing came', async () => {
    const opened = await openArchiveFolder(folder, plan, files);
    opened.add('c.wav', { scores: [], embeddings: [], failures: [] });
    opened.write();
    opened.close();
    expect(readFileSync(join(folder, 'failed.csv'), 'utf8')).toBe('file,reason\nc.wav,c.wav: nothing came of it\n');
  });
});
