// The way of a user through the command line: simulated bearings, a detector, verdicts, names of faults, thresholds.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, hum, jsonLines, output, refusal, scratchFolder, thrum, writeRecording } from './run-cli.ts';

const { folder, at } = scratchFolder();
const run = (...args: string[]) => thrum(args, { cwd: folder });

type Row = {
  file: string;
  startSeconds: number;
  score: number;
  anomalous: boolean;
  nearest: { file: string; domain?: string };
  segments: number[];
  diagnosis?: { label: string; confidence: number };
};

describe('from simulated bearings to names of faults', () => {
  const bearings = [
    '--machine',
    'bearing',
    '--fault',
    'normal,outer-race,inner-race',
    '--severity',
    '1',
    '--seconds',
    '2',
  ];
  const simulated = run('simulate', 'known', ...bearings, '--count', '12', '--seed', '1');
  run('simulate', 'new', ...bearings, '--count', '4', '--seed', '2');
  const faultOf = (file: string): string => file.split('/')[1];

  it('simulate writes recordings and what is true of them, the same for the same seed', () => {
    expect(output(simulated)).toMatch(/^36 recordings of bearing \(normal, outer-race, inner-race\) in known$/m);
    const truth = readFileSync(at('known', 'truth.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(truth).toHaveLength(36);
    expect(truth[12]).toMatchObject({
      file: 'outer-race/bearing_outer-race_0000.wav',
      fault: 'outer-race',
      severity: 1,
    });
    output(run('simulate', 'again', '-m', 'bearing', '-n', '1', '--seconds', '2', '--seed', '1'));
    const name = ['normal', 'bearing_normal_0000.wav'];
    expect(readFileSync(at('again', ...name)).equals(readFileSync(at('known', ...name)))).toBe(true);
  });

  it('fit and score: every fault scores above every healthy recording, and is an alarm', () => {
    expect(output(run('fit', 'known/normal', '--out', 'normal.thrum'))).toMatch(
      /12 recordings, 12 segments at 12000 Hz/,
    );
    const rows = jsonLines<Row>(run('score', 'new', '--detector', 'normal.thrum', '--json'));
    expect(rows).toHaveLength(12);
    const scores = (healthy: boolean) =>
      rows.filter(({ file }) => (faultOf(file) === 'normal') === healthy).map(({ score }) => score);
    expect(Math.min(...scores(false))).toBeGreaterThan(2 * Math.max(...scores(true)));
    for (const { file, anomalous } of rows) expect(anomalous, file).toBe(faultOf(file) !== 'normal');
    for (const { nearest } of rows) expect(nearest.file).toMatch(/^known\/normal\//);
  });

  it('diagnose names them, by folders or by a table', () => {
    expect(output(run('fit', 'known', '--labels', 'folder', '--out', 'rig.thrum'))).toMatch(
      /^labels: inner-race, normal, outer-race$/m,
    );
    const named = jsonLines<Row>(run('diagnose', 'new', '-d', 'rig.thrum', '--json'));
    for (const { file, diagnosis } of named) expect(diagnosis?.label, file).toBe(faultOf(file));
    const lines = output(run('diagnose', 'new', '-d', 'rig.thrum'))
      .trimEnd()
      .split('\n');
    expect(lines[0]).toMatch(/^new\/inner-race\/bearing_inner-race_0000\.wav\tinner-race \(\d+ %/);
    // Detection and naming in one: a detector with labels still knows what normal is.
    const both = jsonLines<Row>(run('score', 'new', '-d', 'rig.thrum', '--json'));
    expect(both.map(({ diagnosis }) => diagnosis?.label)).toEqual(named.map(({ diagnosis }) => diagnosis?.label));

    const table = named
      .map(({ file }) => file.replace('new', 'known'))
      .map((file) => `"${file}",${faultOf(file) === 'normal' ? 'gut' : 'defekt'}`);
    writeFileSync(at('labels.csv'), `\uFEFFfile,label\r\n${table.join('\r\n')}\r\n`);
    const partly = run('fit', 'known', '--labels', 'labels.csv', '--normal', 'gut', '--out', 'table.thrum');
    expect(complaints(partly, 1).at(-1)).toBe('note: 24 of 36 inputs could not be used');
    expect(partly.stdout).toMatch(/^labels: defekt, gut$/m);
  });

  it('threshold changes the alarm, and nothing else', () => {
    const alarms = () =>
      jsonLines<Row>(run('score', 'new', '-d', 'normal.thrum', '--json')).filter(({ anomalous }) => anomalous).length;
    const before = readFileSync(at('normal.thrum'));
    const shown = output(run('threshold', 'normal.thrum'));
    expect(shown).toMatch(/alarm at a score of [\d.]+ .*false-alarm rate 0\.01/);
    expect(readFileSync(at('normal.thrum')).equals(before)).toBe(true);
    expect(output(run('threshold', 'normal.thrum', '--score', '1e6'))).toMatch(
      /alarm at a score of 1\.000e\+6 .*set by hand/,
    );
    expect(alarms()).toBe(0);
    expect(output(run('threshold', 'normal.thrum', '--false-alarm-rate', '0.999'))).toMatch(/false-alarm rate 0\.999/);
    expect(alarms()).toBe(12);
    expect(output(run('threshold', 'normal.thrum', '--false-alarm-rate', '0.01'))).toBe(shown);
    expect(alarms()).toBe(8);
    const other = jsonLines<Row>(run('score', 'new', '-d', 'normal.thrum', '--false-alarm-rate', '0.999', '--json'));
    expect(other.every(({ anomalous }) => anomalous)).toBe(true);
  });
});

describe('from long recordings to the second it happens in', () => {
  // Ten seconds of hum; in the last recording it changes pitch for one of them.
  const sampleRate = 8000;
  const long = (seed: number): Float32Array => hum(10, sampleRate, seed);
  for (let i = 0; i < 2; i++) writeRecording(at('long', `${i}.wav`), [long(i + 1)]);
  const faulty = long(3);
  faulty.set(hum(1, sampleRate, 9, 700), 6 * sampleRate);
  writeRecording(at('faulty.wav'), [faulty]);
  writeRecording(at('fast.wav'), [hum(4, 2 * sampleRate, 4)], 2 * sampleRate);

  it('--segment and --per-segment find it', () => {
    output(run('fit', 'long', '--segment', '1', '--aggregate', 'max', '--out', 'long.thrum'));
    const [whole] = jsonLines<Row>(run('score', 'faulty.wav', '-d', 'long.thrum', '--json'));
    expect(whole.anomalous).toBe(true);
    expect(whole.segments).toHaveLength(10);
    const pieces = jsonLines<Row>(run('score', 'faulty.wav', '-d', 'long.thrum', '--per-segment', '--json'));
    expect(pieces.map(({ startSeconds }) => startSeconds)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const worst = pieces.reduce((a, b) => (b.score > a.score ? b : a));
    expect([worst.startSeconds, worst.score]).toEqual([6, whole.score]);
    const before = jsonLines<Row>(
      run('score', 'faulty.wav', '-d', 'long.thrum', '--part', '0-60%', '--per-segment', '--json'),
    );
    expect(before.map(({ score }) => score)).toEqual(pieces.slice(0, 6).map(({ score }) => score));
  });

  it('another rate is refused, or converted when asked', () => {
    expect(complaints(run('score', 'fast.wav', '-d', 'long.thrum'), 1)[0]).toMatch(
      /sampled at 16000 Hz, expected 8000 Hz/,
    );
    const rows = jsonLines<Row>(run('score', 'fast.wav', '-d', 'long.thrum', '--resample', '--json'));
    expect(rows[0].segments).toHaveLength(4);
    expect(refusal(run('score', 'fast.wav', '-d', 'long.thrum', '--rate', '8000', '--variable', ''), 2)).toMatch(
      /--variable/,
    );
  });

  it('files of two rates: the usual one is fitted, or all after conversion', () => {
    const mixed = run('fit', 'long', 'fast.wav', '--segment', '1', '--out', 'mixed.thrum');
    expect(complaints(mixed, 1)[0]).toMatch(/fast\.wav: sampled at 16000 Hz, while 2 of 3 .*--resample 8000/);
    expect(
      output(run('fit', 'long', 'fast.wav', '--segment', '1', '--resample', '8k', '--out', 'mixed.thrum')),
    ).toMatch(/3 recordings, 24 segments at 8000 Hz/);
  });

  it('--channel is remembered by the detector', () => {
    writeRecording(at('two.wav'), [long(11), hum(10, sampleRate, 12, 900)]);
    for (const channel of ['2', 'mean', 'all']) {
      const args = ['two.wav', '--segment', '1', '--channel', channel, '--out', `${channel}.thrum`];
      output(run('fit', ...args));
    }
    const score = (channel: string) =>
      jsonLines<Row>(run('score', 'two.wav', '-d', `${channel}.thrum`, '--json'))[0].anomalous;
    for (const channel of ['2', 'mean', 'all']) expect(score(channel), channel).toBe(false);
    expect(complaints(run('score', 'faulty.wav', '-d', '2.thrum'), 1)[0]).toMatch(
      /expected a channel 2, but there is 1/,
    );
    expect(complaints(run('score', 'faulty.wav', '-d', 'all.thrum'), 1)[0]).toMatch(/faulty\.wav/);
  });
});

describe('operating conditions', () => {
  it('--domains gives each a bank of its own, and verdicts name the nearest', () => {
    const domains = ['file,domain'];
    for (const [domain, hz] of [
      ['slow', 200],
      ['fast', 1500],
    ] as const) {
      for (let i = 0; i < 6; i++) {
        const name = `${domain}${i}.wav`;
        writeRecording(at('duty', name), [hum(0.5, 8000, hz + i, hz)]);
        domains.push(`${name};${domain}`);
      }
      writeRecording(at('today', `${domain}.wav`), [hum(0.5, 8000, hz + 50, hz)]);
    }
    writeRecording(at('today', 'between.wav'), [hum(0.5, 8000, 77, 800)]);
    writeFileSync(at('domains.txt'), `${domains.join('\n')}\n`);
    output(run('fit', 'duty', '--domains', 'domains.txt', '--out', 'duty.thrum'));
    const rows = jsonLines<Row>(run('score', 'today', '-d', 'duty.thrum', '--json'));
    const found = Object.fromEntries(
      rows.map(({ file, nearest, anomalous }) => [basename(file), { domain: nearest.domain, anomalous }]),
    );
    expect(found['slow.wav']).toEqual({ domain: 'slow', anomalous: false });
    expect(found['fast.wav']).toEqual({ domain: 'fast', anomalous: false });
    expect(found['between.wav'].anomalous).toBe(true);
  });
});
