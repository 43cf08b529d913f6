// The command line on real recordings, in the folder that THRUM_DATA names: what the README promises, and every format.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { complaints, jsonLines, output, projectRoot, scratchFolder, thrum } from './run-cli.ts';

const data = process.env.THRUM_DATA ? resolve(projectRoot, process.env.THRUM_DATA) : undefined;
const set = (...names: string[]): string => join(data ?? '', ...names);
const has = (name: string): boolean => data !== undefined && existsSync(set(name));

const { folder, at } = scratchFolder();
const run = (...args: string[]) => thrum(args, { cwd: folder });

type Row = { file: string; score: number; anomalous: boolean; startSeconds: number; diagnosis?: { label: string } };

describe.skipIf(!has('cwru'))('CWRU bearings', () => {
  const healthy = set('cwru', 'Normal', '97_Normal_0.mat');
  const root = set('cwru', '12k_Drive_End_Bearing_Fault_Data');
  const files = has('cwru') ? readdirSync(root, { recursive: true, encoding: 'utf8' }).sort() : [];
  /** Fault files of some loads, at 0.007", 0.014" and 0.021". */
  const faults = (loads: string): string[] =>
    files
      .filter((file) => new RegExp(`[/\\\\](007|014|021)[/\\\\].*_[${loads}]\\.mat$`).test(file))
      .map((file) => join(root, file));
  const rate = ['--rate', '12000'];

  it('fitted on half of a healthy recording: no false alarm in the other half, every fault found, AUC 1.0', () => {
    output(run('fit', healthy, ...rate, '--part', '0-50%', '--segment', '2', '--out', 'bearing.thrum'));
    const score = (paths: string[], ...more: string[]) =>
      jsonLines<Row>(run('score', ...paths, ...rate, '-d', 'bearing.thrum', '--json', ...more));
    const second = score([healthy], '--part', '50-100%', '--per-segment');
    // 243,938 samples: the second half begins at 10.164 s.
    expect(second.map(({ startSeconds }) => startSeconds.toFixed(3))).toEqual(
      [10, 12, 14, 16, 18].map((s) => `${s}.164`),
    );
    expect(second.filter(({ anomalous }) => anomalous)).toEqual([]);
    const faulty = score(faults('0'), '--report', 'faults.html');
    expect(faulty).toHaveLength(13);
    expect(faulty.filter(({ anomalous }) => !anomalous)).toEqual([]);
    expect(Math.min(...faulty.map((row) => row.score))).toBeGreaterThan(Math.max(...second.map((row) => row.score)));
    const report = readFileSync(at('faults.html'), 'utf8');
    for (const { file } of faulty) expect(report).toContain(basename(file));
  });

  it('fitted on labelled faults of loads 0 to 2: names all 13 of load 3', () => {
    output(run('fit', ...faults('012'), ...rate, '--labels', 'folder', '--segment', '2', '--out', 'rig.thrum'));
    const named = jsonLines<Row>(run('diagnose', ...faults('3'), ...rate, '-d', 'rig.thrum', '--json'));
    expect(named).toHaveLength(13);
    for (const { file, diagnosis } of named) {
      expect(diagnosis?.label, file).toBe(dirname(relative(root, file)).split('\\').join('/'));
    }
  });

  it('without a rate, says how to give one', () => {
    expect(complaints(run('embed', healthy), 1)[0]).toMatch(/97_Normal_0\.mat\); give it with --rate/);
  });
});

describe.skipIf(!has('femto'))('FEMTO, a bearing run to failure', () => {
  it('fitted on the first tenth of its life: the end is an alarm, and the report shows the curve', () => {
    const life = set('femto', 'Bearing1_1.npz');
    output(run('fit', life, '--part', '0-10%', '--out', 'femto.thrum'));
    const rows = jsonLines<Row>(run('score', life, '-d', 'femto.thrum', '--json', '--report', 'femto.html'));
    expect(rows).toHaveLength(281);
    expect(rows.slice(-10).every(({ anomalous }) => anomalous)).toBe(true);
    expect(rows.slice(0, 28).filter(({ anomalous }) => anomalous).length).toBeLessThanOrEqual(2);
    const report = readFileSync(at('femto.html'), 'utf8');
    expect(report).toMatch(/<h2>Score over [a-z]+<\/h2>/);
    expect(report).toMatch(/class="curve-raw"/);
  });
});

describe.skipIf(data === undefined)('every format, through embed, fit and score', () => {
  const firstOf = (name: string, count: number, pattern = /./): string[] =>
    has(name)
      ? readdirSync(set(name))
          .filter((file) => pattern.test(file))
          .sort()
          .slice(0, count)
          .map((file) => set(name, file))
      : [];

  /** Embeds, fits on all and scores the last one; returns the rates and the last row. */
  function through(files: string[], ...more: string[]) {
    const embedded = jsonLines<{ sample_rate: number; embedding: number[] }>(run('embed', ...files, ...more));
    expect(embedded.every(({ embedding }) => embedding.length > 0)).toBe(true);
    output(run('fit', ...files, ...more, '--segment', '1', '--out', 'format.thrum'));
    const rows = jsonLines<Row>(run('score', files[files.length - 1], ...more, '-d', 'format.thrum', '--json'));
    return { rates: [...new Set(embedded.map(({ sample_rate }) => sample_rate))], count: embedded.length, rows };
  }

  it.skipIf(!has('fsdd'))('FLAC', () => {
    const { rates, count, rows } = through(firstOf('fsdd', 6, /^0_george/));
    expect([rates, count, rows.length]).toEqual([[8000], 6, 1]);
  });

  it.skipIf(!has('esc50'))('Ogg Vorbis', () => {
    const { rates, count, rows } = through(firstOf('esc50', 3, /-14\.ogg$/));
    expect([rates, count, rows.length]).toEqual([[16000], 3, 1]);
  });

  it.skipIf(!has('device-ir'))('WAV of 24 bits', () => {
    const { rates, count } = through(firstOf('device-ir', 5, /^IR_/));
    expect([rates, count]).toEqual([[44100], 5]);
  });

  it.skipIf(!has('mfpt'))('MATLAB with a rate of its own', () => {
    const { rates, count, rows } = through(firstOf('mfpt/train_data', 2));
    expect([rates, count, rows.length]).toEqual([[48828], 2, 1]);
  });

  it.skipIf(!has('itsc'))('CSV of three phases', () => {
    const files = unzipSync(readFileSync(set('itsc', 'dataset', 'Cropped_Signals_SF.zip')), {
      filter: ({ name }) => /^Cropped[^.]*\/SC_HLT\/.*\.csv$/.test(name),
    });
    mkdirSync(at('itsc'));
    for (const [name, bytes] of Object.entries(files)) writeFileSync(at('itsc', basename(name)), bytes);
    const paths = readdirSync(at('itsc')).map((name) => at('itsc', name));
    const { rates, count, rows } = through(paths, '--rate', '1000');
    expect([rates, count, rows.length]).toEqual([[1000], 5, 1]);
  });
});
