// What the command line writes: tables that programs read, files that are whole or not there, the same on every run.
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { readRecordings } from '../src/signal/readers/index.ts';
import {
  complaints,
  hum,
  jsonLines,
  mainScript,
  output,
  refusal,
  scratchFolder,
  shell,
  thrum,
  writeHums,
  writeRecording,
} from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
const detector = 'normal.thrum';
writeHums(at('normal'), 12);
const fitted = thrum(['fit', 'normal', '--out', detector, '--json'], here);

type Row = { file: string; recording: string; startSeconds: number; score: number; pValue: number; anomalous: boolean };

/** A CSV table as RFC 4180 has it. */
function csvRows(text: string): string[][] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/g)];
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of cells) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('tables for programs', () => {
  // Names that a shell, a table and a terminal could trip over.
  const names = ['a b.wav', 'comma, "quote".wav', "it's.wav", '<b>&.wav', 'Lüfter 机器.wav', '-dash.wav', 'hash#1.wav'];
  if (process.platform !== 'win32') names.push('line\nend.wav');
  for (const [i, name] of names.entries()) writeRecording(at('odd', name), [hum(0.5, 8000, 90 + i)]);
  const sorted = [...names].sort((a, b) => (a < b ? -1 : 1));
  const json = thrum(['score', 'odd', '-d', detector, '--json'], here);

  it('thrum fit --json: what was fitted', () => {
    const [result] = jsonLines<object>(fitted);
    expect(result).toMatchObject({ out: detector, recordings: 12, segments: 12, labels: [], failures: [] });
    expect(result).toMatchObject({ signal: { sampleRate: 8000, channel: 0 }, encoder: { id: 'spectral' } });
  });

  it('thrum score --json: an object per recording', () => {
    const rows = jsonLines<Row & { bands: { share: number }[] }>(json);
    expect(rows.map(({ file }) => basename(file))).toEqual(sorted);
    for (const { score, pValue, bands } of rows) {
      expect(score).toBeGreaterThan(0);
      expect(pValue).toBeGreaterThan(0);
      expect(pValue).toBeLessThanOrEqual(1);
      expect(bands.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    }
  });

  it('thrum score --csv: the same numbers, names quoted', () => {
    const [header, ...rows] = csvRows(output(thrum(['score', 'odd', '-d', detector, '--csv'], here)));
    expect(header.slice(0, 6)).toEqual(['recording', 'start_s', 'duration_s', 'score', 'p_value', 'verdict']);
    expect(rows.every((row) => row.length === header.length)).toBe(true);
    const expected = jsonLines<Row>(json).map(({ recording, score, pValue, anomalous }) => [
      recording,
      '0',
      '0.5',
      `${score}`,
      `${pValue}`,
      anomalous ? 'anomalous' : 'normal',
    ]);
    expect(rows.map((row) => row.slice(0, 6))).toEqual(expected);
  });

  it('the table for people has a line per recording, and control characters in names do no harm', () => {
    const lines = output(thrum(['score', 'odd', '-d', detector], here))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(names.length + 2);
    expect(lines[0]).toMatch(/^file +score +p-value +verdict +where/);
    expect(lines.at(-1)).toMatch(/^\d of \d anomalous$/);
  });

  it('paths may be relative, absolute, or a mixture', () => {
    const absolute = at('odd', 'a b.wav');
    const rows = jsonLines<Row>(
      thrum(['score', absolute, "it's.wav", './-dash.wav', '-d', at(detector), '--json'], { cwd: at('odd') }),
    );
    expect(rows.map(({ file }) => file)).toEqual([absolute, "it's.wav", './-dash.wav']);
    const table = thrum(['score', absolute, "it's.wav", '-d', at(detector)], { cwd: at('odd') });
    expect(output(table)).toContain(absolute);
  });
});

describe('worker threads', () => {
  it('give the same numbers in the same order as one thread', () => {
    writeHums(at('many'), 14, 200);
    writeFileSync(at('many', 'hum05b.wav'), 'notes');
    const run = (...workers: string[]) => thrum(['score', 'many', '-d', detector, '--csv', ...workers], here);
    const alone = run('--workers', '0');
    complaints(alone, 1);
    expect(csvRows(alone.stdout)).toHaveLength(15);
    expect(run('--workers', '3')).toEqual(alone);
    expect(run()).toEqual(alone);
    // The same file twice is one file.
    expect(thrum(['score', 'many', at('many', 'hum00.wav'), '-d', detector, '--csv'], here)).toEqual(alone);
  });
});

describe('thrum embed', () => {
  type Line = { file: string; sample_rate: number; start: number; end: number; embedding: number[] };
  const left = hum(1, 8000, 300, 300);
  const right = hum(1, 8000, 301, 700);
  writeRecording(at('stereo.wav'), [left, right]);
  writeRecording(at('left.wav'), [left]);
  writeRecording(at('right.wav'), [right]);
  writeRecording(at('end.wav'), [right.subarray(4000)]);
  const embed = (...args: string[]) => jsonLines<Line>(thrum(['embed', ...args], here));
  const [one, two, last] = embed('left.wav', 'right.wav', 'end.wav');

  it('--channel picks, joins or mixes', () => {
    expect(embed('stereo.wav')[0].embedding).toEqual(one.embedding);
    expect(embed('stereo.wav', '--channel', '2')[0].embedding).toEqual(two.embedding);
    expect(embed('stereo.wav', '--channel', 'all')[0].embedding).toEqual([...one.embedding, ...two.embedding]);
    const [mixed] = embed('stereo.wav', '--channel', 'mean');
    expect(mixed.embedding).toHaveLength(one.embedding.length);
    expect(mixed.embedding).not.toEqual(one.embedding);
  });

  it('--part and --segment cut', () => {
    const halves = embed('right.wav', '--segment', '0.5');
    expect(halves.map(({ start, end }) => [start, end])).toEqual([
      [0, 0.5],
      [0.5, 1],
    ]);
    expect(halves[1].embedding).toEqual(last.embedding);
    for (const part of ['50-100%', '0.5-1s', '50%-', '0.5-9']) {
      expect(embed('right.wav', '--part', part)).toEqual([halves[1]]);
    }
  });

  it('--resample converts, and the rate is written beside the vector', () => {
    const [slower] = embed('left.wav', '--resample', '4000');
    expect(slower.sample_rate).toBe(4000);
    expect(slower.embedding.length).toBeLessThan(one.embedding.length);
  });

  it('--frames writes a line per step of time', () => {
    const frames = embed('left.wav', '--frames');
    expect(frames.length).toBeGreaterThan(100);
    expect(frames.every(({ start, end }, i) => end > start && (i === 0 || start > frames[i - 1].start))).toBe(true);
  });

  it('writes the same numbers to all formats', async () => {
    const vectors = embed('left.wav', 'right.wav').map(({ embedding }) => embedding);
    const write = (name: string, ...more: string[]) => {
      const outcome = thrum(['embed', 'left.wav', 'right.wav', '--out', name, ...more], here);
      expect(complaints(outcome, 0)).toEqual([`note: 2 embeddings of ${vectors[0].length} values written to ${name}`]);
      return readFileSync(at(name));
    };
    const close = (values: ArrayLike<number>, row: number) =>
      expect(Array.from(values)).toEqual(vectors[row].map((value) => Math.fround(value)));
    expect(write('e.jsonl').toString()).toBe(output(thrum(['embed', 'left.wav', 'right.wav'], here)));
    expect(write('lines', '--format', 'jsonl')).toEqual(readFileSync(at('e.jsonl')));
    const table = write('e.parquet');
    const rows = await parquetReadObjects({ file: new Uint8Array(table).buffer });
    for (const [i, { file, embedding }] of rows.entries()) {
      expect(file).toBe(['left.wav', 'right.wav'][i]);
      close(embedding as number[], i);
    }
    // Its own reader takes the rows of the array for recordings.
    const arrays = await readRecordings(new Uint8Array(write('e.npz')), { sampleRate: 1, variable: 'embeddings' });
    expect(arrays.flatMap(({ channels }) => channels)).toHaveLength(2);
    for (const [i, { channels }] of arrays.entries()) close(channels[0], i);
  });
});

describe('files are whole, or as they were', () => {
  it('asks before the work whether it can write', () => {
    mkdirSync(at('taken'));
    const targets = {
      'no/folder/a': /there is no folder no\/folder/,
      taken: /it is a folder/,
      'left.wav/a': /not a folder/,
    };
    for (const [target, why] of Object.entries(targets)) {
      for (const command of [
        ['fit', '--out'],
        ['embed', '--format', 'npz', '--out'],
        ['score', '-d', detector, '--report'],
      ]) {
        const [name, ...rest] = command;
        const line = refusal(thrum([name, 'normal', ...rest, target], here), 1);
        expect(line).toMatch(/^thrum: cannot write /);
        expect(line).toMatch(why);
      }
    }
  });

  it('keeps an existing file when a run fails', () => {
    writeFileSync(at('keep.thrum'), 'precious');
    refusal(thrum(['fit', 'right.wav', '--out', 'keep.thrum'], here), 1);
    const embedded = thrum(['embed', 'many/hum05b.wav', '--out', 'keep.thrum', '--format', 'npz'], here);
    expect(complaints(embedded, 1)[0]).toBe('note: nothing could be embedded, keep.thrum is as it was');
    expect(readFileSync(at('keep.thrum'), 'utf8')).toBe('precious');
  });

  it.skipIf(process.platform === 'win32')('writes through links and into pipes, without replacing them', () => {
    writeFileSync(at('real.jsonl'), 'old');
    symlinkSync('real.jsonl', at('link.jsonl'));
    complaints(thrum(['embed', 'left.wav', '--out', 'link.jsonl'], here), 0);
    expect(JSON.parse(readFileSync(at('real.jsonl'), 'utf8'))).toMatchObject({ file: 'left.wav' });
    const piped = shell('mkfifo tap; timeout 30 cat tap & thrum embed left.wav --format jsonl --out tap; wait', folder);
    expect(jsonLines(piped)).toEqual([JSON.parse(readFileSync(at('real.jsonl'), 'utf8'))]);
  });

  it('writes the same report on every run', () => {
    const report = () => {
      complaints(thrum(['score', 'odd', '-d', detector, '--report', 'report.html'], here), 0);
      return readFileSync(at('report.html'));
    };
    const first = report();
    expect(first.toString()).toMatch(/^<!doctype html>/i);
    expect(report().equals(first)).toBe(true);
  });

  it.each([
    'SIGINT',
    'SIGKILL',
  ] as const)('%s in the middle of fitting leaves the old file and no other', async (signal) => {
    // Some seconds of work from one recording: the same samples under many names.
    mkdirSync(at(signal));
    writeRecording(at('long.wav'), [hum(60, 8000, 400)]);
    for (let i = 0; i < 300; i++) linkSync(at('long.wav'), at(signal, `${i}.wav`));
    writeFileSync(at(`${signal}.thrum`), 'precious');
    const before = readdirSync(folder).sort();
    const child = spawn(process.execPath, [mainScript, 'fit', signal, '--out', `${signal}.thrum`], { cwd: folder });
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(child.exitCode, said).toBe(null);
    child.kill(signal);
    const ended = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)));
    expect(ended).toBe(signal);
    expect(said).toBe('');
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(readFileSync(at(`${signal}.thrum`), 'utf8')).toBe('precious');
  });

  it('leaves no temporary files', () => {
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('standard output that does not take it all', () => {
  it('is quiet when the reader has had enough', () => {
    for (const line of [
      'thrum embed left.wav --frames | head -1',
      'thrum score many normal -d normal.thrum --json | head -1',
    ]) {
      const outcome = shell(line, folder);
      expect(outcome.stdout.split('\n')).toHaveLength(2);
      expect(outcome.stderr.replace(/^(failed|note): .*\n/gm, '')).toBe('');
    }
  });

  it.skipIf(process.platform !== 'linux')('says when the disk is full', () => {
    const outcome = shell('thrum embed left.wav > /dev/full', folder);
    expect(refusal(outcome, 1)).toBe('thrum: the output could not be written: the disk is full');
  });
});
