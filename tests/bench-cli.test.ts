// thrum bench siren|rmis|open as a user runs it: help, usage, the table, JSON, and the files it writes.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BenchResult } from '../src/evaluation/result.ts';
import { publishedRows } from '../src/evaluation/tables/published.ts';
import { columnIds, measuredRows } from './bench-data.ts';
import { complaints, jsonLines, output, refusal, scratchFolder, thrum } from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
const data = (...args: string[]) => thrum(['data', ...args], here);
const bench = (...args: string[]) => thrum(['bench', ...args, '--cache', 'store', '--workers', '0'], here);
const onCwru = ['siren', '--data', 'sets', '--only', 'cwru,iica'];

beforeAll(() => {
  output(data('generate', 'cwru', '--out', 'sets', '--per-class', '2', '--seconds', '0.1', '--seed', '3'));
});

describe('thrum bench --help', () => {
  it('explains actions, options and examples', () => {
    const text = output(thrum(['bench', '--help']));
    expect(text).toMatch(/^thrum bench: run encoders on SIREN, RMIS and other benchmarks$/m);
    expect(text).toMatch(/^Usage: thrum bench siren\|rmis\|open\|life\|scenes --data DIR \[options\]$/m);
    for (const action of ['siren, rmis', 'open', 'life', 'scenes', 'dcase-score'])
      expect(text).toContain(`\n${action} `);
    for (const option of ['data', 'encoder', 'compat', 'only', 'out', 'details', 'json', 'cache', 'workers']) {
      expect(text).toMatch(new RegExp(`^ {2}(-\\w,)? +--${option}\\b`, 'm'));
    }
    expect(text).toMatch(/^ {2}thrum bench rmis --data datasets\/ --encoder /m);
    expect(output(thrum(['--help']))).toMatch(/^ {2}bench +run encoders/m);
  });

  it('is where wrong usage points to', () => {
    const usage = (...args: string[]) => refusal(thrum(['bench', ...args], here), 2);
    expect(usage()).toMatch(
      /expected one of siren, rmis, open, life, scenes, dcase-score, got nothing; see thrum bench --help/,
    );
    expect(usage('moon')).toMatch(/got moon;/);
    expect(usage('siren', 'sets')).toMatch(/expected one of siren, .*, got sets;/);
    expect(usage('siren')).toMatch(/expected --data DIR;/);
    expect(usage('siren', '--data', 'sets', '--year', '2020')).toMatch(/bench siren has no --year; it has --data, /);
    expect(usage('life', '--data', 'sets', '--only', 'x')).toMatch(
      /bench life has no --only; it has --data, --encoder/,
    );
    expect(usage('siren', '--data', 'sets', '--workers', 'two')).toMatch(/--workers: expected a number/);
  });
});

describe('a generated data set', () => {
  it('is marked', () => {
    expect(JSON.parse(readFileSync(at('sets', 'cwru', 'thrum-generated.json'), 'utf8'))).toEqual({
      generatedBy: 'thrum data generate',
      version: output(thrum(['--version'])).trim(),
      seed: 3,
    });
    const { stdout } = data('check', 'sets');
    expect(stdout).toMatch(/^21 files, 20 recordings\n/);
    expect(stdout).not.toMatch(/unexpected|thrum-generated/);
  });

  it('is said to be made up, and stands beside no published figures', () => {
    const text = output(bench(...onCwru));
    expect(text).toMatch(/^SIREN: anomaly detection and fault classification\n/);
    expect(text).toMatch(/\ndata: cwru: made by `thrum data generate`, not recorded: its figures say nothing about\s/);
    expect(text).toMatch(/\nspectral +/);
    expect(text).toMatch(/\nnot run: iica: no recordings as it unpacks were found in the data folder; /);
    expect(text).not.toMatch(/BEATs|[Pp]ublished rows/);
    const [result] = jsonLines<BenchResult>({ ...bench(...onCwru, '--json'), stderr: '' });
    expect(result.rows.map(({ encoder, published }) => [encoder, published])).toEqual([['spectral', false]]);
    expect(result.problems).toEqual([
      'cwru: made by `thrum data generate`, not recorded: its figures say nothing about published ones',
    ]);
  });

  it('is heard by the encoder that comes with Thrum, its untrained twin and the baseline', () => {
    const [result] = jsonLines<BenchResult>({ ...bench(...onCwru, '--json', '--encoder', 'thrum-1'), stderr: '' });
    expect(result.rows.map(({ encoder }) => encoder)).toEqual(['thrum-1', 'thrum-1@random', 'spectral']);
    const scores = result.rows.map(({ values }) => values.cwru?.value);
    for (const score of scores) expect(score).toEqual(expect.any(Number));
  });

  it('is taken for recorded without its marker', () => {
    const made = at('recorded', 'cwru');
    output(data('generate', 'cwru', '--out', 'recorded', '--per-class', '2', '--seconds', '0.1', '--seed', '3'));
    rmSync(`${made}/thrum-generated.json`);
    const outcome = bench('siren', '--data', 'recorded', '--only', 'cwru', '--json');
    const [result] = jsonLines<BenchResult>(outcome);
    expect([outcome.stderr, result.problems]).toEqual(['', []]);
    expect(result.rows.slice(1)).toEqual(publishedRows('siren'));
    expect(output(bench('siren', '--data', 'recorded', '--only', 'cwru'))).toMatch(/\nBEATs-B /);
  });
});

describe('what thrum bench writes', () => {
  it('is one line of JSON on standard output, with remarks beside it', () => {
    const outcome = bench(...onCwru, '--json', '--encoder', 'spectral-shape, spectral+spectral-shape');
    const notes = complaints(outcome, 0);
    const [result, ...more] = jsonLines<BenchResult>({ ...outcome, stderr: '' });
    expect(more).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^note: iica was not run: no recordings as it unpacks were found in the data folder; the official/,
      ),
      expect.stringMatching(/^note: cwru: made by/),
    ]);
    expect(measuredRows(result).map(({ encoder }) => encoder)).toEqual([
      'spectral-shape',
      'spectral + spectral-shape (concatenated)',
      'spectral + spectral-shape (scores averaged)',
      'spectral',
    ]);
    expect(result.provenance.command).toBe(
      'thrum bench siren --data DIR --encoder spectral-shape, spectral+spectral-shape --only cwru,iica',
    );
    expect(JSON.stringify(result)).not.toContain(folder);
  });

  it('is four files in a folder that it makes', () => {
    const args = ['open', '--data', 'sets', '--out', 'results/new', '--json'];
    const outcome = bench(...args);
    expect(complaints(outcome, 0).at(-1)).toBe(
      'note: open.csv, open-details.csv, open.json, open.html written to results/new',
    );
    expect(readdirSync(at('results', 'new')).sort()).toEqual([
      'open-details.csv',
      'open.csv',
      'open.html',
      'open.json',
    ]);
    const read = (name: string) => readFileSync(at('results', 'new', name), 'utf8');
    const result: BenchResult = JSON.parse(read('open.json'));
    expect(result).toEqual(JSON.parse(outcome.stdout));
    expect(columnIds(result)).toEqual(['cwru', 'cwru-loads', 'cwru-sizes', 'mfpt', 'itsc', 'esc50', 'fsdd']);
    const [comment, header, row, ...rest] = read('open.csv').trimEnd().split('\n');
    expect(comment).toMatch(/^# thrum \d+\.\d+\.\d+: thrum bench open --data DIR --encoder spectral$/);
    expect(header).toBe(
      'encoder,published,parameters,fingerprint,cwru,cwru-loads,cwru-sizes,mfpt,itsc,esc50,fsdd,reasons',
    );
    expect(row).toMatch(/^spectral,false,0,spectral:[^,]*,\d+(\.\d+)?,/);
    expect(rest).toEqual([]);
    const details = read('open-details.csv').trimEnd().split('\n');
    expect(details[1]).toMatch(/^encoder,view,protocol,/);
    expect(details.slice(2).every((line) => /^spectral,cwru(-loads|-sizes)?,/.test(line))).toBe(true);
    expect(details.some((line) => /,shared-takes,0,count,$/.test(line))).toBe(true);
    const page = read('open.html');
    expect(page).toMatch(/^<!doctype html>/i);
    expect(page).toContain('Freely available data sets');
    expect(page.trimEnd()).toMatch(/<\/html>$/);
  });

  it('has another name in compatibility mode, and details where they are asked for', () => {
    const text = output({ ...bench(...onCwru, '--compat', 'siren', '--details', '--out', 'results'), stderr: '' });
    expect(text).toContain('\ncompatibility mode: computed as the released code does, quirks included\n');
    expect(text).toMatch(/confusion: rows are true, columns predicted/);
    expect(readdirSync(at('results')).sort()).toEqual([
      'new',
      'siren-compat-details.csv',
      'siren-compat.csv',
      'siren-compat.html',
      'siren-compat.json',
    ]);
    expect(JSON.parse(readFileSync(at('results', 'siren-compat.json'), 'utf8'))).toMatchObject({ compat: true });
  });

  it('is status 1 where a data set that is there has no figure', () => {
    output(data('generate', 'mfpt', '--out', 'single', '--per-class', '1', '--seconds', '0.1'));
    for (const name of readdirSync(at('single', 'mfpt'))) {
      if (!/1 -|baseline/i.test(name) && name !== 'thrum-generated.json') {
        rmSync(at('single', 'mfpt', name), { recursive: true });
      }
    }
    const outcome = bench('open', '--data', 'single');
    expect(complaints(outcome, 1)).toEqual([]);
    expect(outcome.stdout).toMatch(/\n\[1\] expected recordings of at least two classes, found only normal\n/);
  });
});
