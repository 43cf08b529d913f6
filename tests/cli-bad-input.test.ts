// The command line on bad input: one clear line for each thing that is wrong, and the good files done all the same.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpz } from '../src/signal/readers/npy-write.ts';
import {
  complaints,
  hum,
  jsonLines,
  output,
  refusal,
  scratchFolder,
  thrum,
  writeHums,
  writeRecording,
} from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
writeHums(at('normal'), 6);
const detector = 'normal.thrum';
const fitted = thrum(['fit', 'normal', '--out', detector], here);

/** The bytes of a good recording, changed. */
function spoiled(change: (bytes: Buffer) => Uint8Array): Uint8Array {
  writeRecording(at('good.wav'), [hum(1, 8000, 50)]);
  return change(readFileSync(at('good.wav')));
}

const FIRST_SAMPLE = 58;
const withSample = (value: number) => (bytes: Buffer) => {
  bytes.writeFloatLE(value, FIRST_SAMPLE + 4 * 100);
  return bytes;
};

/** Files that cannot be used, each with what must be said of it. */
const bad: [string, Uint8Array | string, RegExp][] = [
  ['text.wav', 'minutes of a meeting\n', /expected rows of numbers, got the text "minutes of a meeting"/],
  ['truncated.wav', spoiled((bytes) => bytes.subarray(0, 9000)), /expected 32000 bytes.*the file was cut off/],
  ['header.wav', spoiled((bytes) => bytes.subarray(0, 30)), /the file was cut off/],
  ['nan.wav', spoiled(withSample(Number.NaN)), /sample 100 of channel 1 is NaN; repair the recording/],
  ['infinite.wav', spoiled(withSample(Number.POSITIVE_INFINITY)), /sample 100 of channel 1 is Infinity/],
  ['one-sample.wav', new Uint8Array(), /expected at least 0\.01 s/],
  ['empty.wav', '', /found an empty file/],
  ['noise.flac', Uint8Array.from({ length: 500 }, (_, i) => (i * 37 + 200) % 256), /found bytes c8 ed/],
  ['no-rate.csv', '1\n2\n1\n3\n2\n', /expected a sampling rate.*give it with --rate/],
  ['no-rate.npz', writeNpz({ x: { shape: [900], data: hum(0.1, 9000, 3) } }), /sampling rate.*give it with --rate/],
];

describe('bad recordings among good ones', () => {
  const cases = [...bad];
  mkdirSync(at('mixed', 'a folder.wav'), { recursive: true });
  for (const [name, content] of bad) writeFileSync(at('mixed', name), content);
  writeRecording(at('mixed', 'one-sample.wav'), [Float32Array.of(0.5)]);
  writeRecording(at('mixed', 'other-rate.wav'), [hum(0.5, 11025, 1)], 11025);
  cases.push(['other-rate.wav', '', /sampled at 11025 Hz, expected 8000 Hz; convert it with --resample/]);
  writeHums(at('mixed'), 2, 40);
  writeRecording(at('mixed', 'silence.wav'), [new Float32Array(8000)]);
  if (process.platform !== 'win32') {
    symlinkSync('nowhere', at('mixed', 'dangling.wav'));
    cases.push(['dangling.wav', '', /found no such file/]);
    symlinkSync('.', at('mixed', 'ring'));
    execFileSync('mkfifo', [at('mixed', 'pipe.wav')]);
    cases.push(['pipe.wav', '', /found a device or pipe/]);
  }
  const scored = thrum(['score', 'mixed', '--detector', detector, '--csv'], here);

  it('fits first', () => {
    expect(complaints(fitted, 0)).toEqual([]);
  });

  it('scores the good ones, silence included', () => {
    const rows = output(scored, 1).trim().split('\n').slice(1);
    expect(rows.map((row) => basename(row.split(',')[0]))).toEqual(['hum00.wav', 'hum01.wav', 'silence.wav']);
    expect(rows[2]).toMatch(/,anomalous,/);
  });

  it('says one line for each bad one, and how many there were', () => {
    const lines = complaints(scored, 1);
    for (const [name, , message] of cases) {
      const about = lines.filter((line) => line.includes(name));
      expect(about, name).toHaveLength(1);
      expect(about[0]).toMatch(/^failed: /);
      expect(about[0]).toMatch(message);
    }
    expect(lines).toHaveLength(cases.length + 1);
    expect(lines.at(-1)).toBe(`note: ${cases.length} of ${cases.length + 3} inputs could not be used`);
  });

  it('thrum data check finds the same', () => {
    const [survey] = jsonLines<{ unreadable: { file: string }[]; constant: string[]; recordings: number }>(
      thrum(['data', 'check', 'mixed', '--json'], here),
      1,
    );
    const readable = ['one-sample.wav', 'other-rate.wav'];
    const expected = cases.map(([name]) => name).filter((name) => !readable.includes(name));
    expect(survey.unreadable.map(({ file }) => basename(file)).sort()).toEqual(expected.sort());
    expect(survey.constant.map((name) => basename(name)).sort()).toEqual(['one-sample.wav', 'silence.wav']);
    expect(survey.recordings).toBe(5);
  });

  it('fits on what can be used, and leaves silence out', () => {
    const lines = complaints(thrum(['fit', 'mixed', 'normal', '--out', 'mixed.thrum'], here), 1);
    expect(lines.filter((line) => line.startsWith('failed: '))).toHaveLength(cases.length);
    expect(lines.join('\n')).toMatch(/silence\.wav: every sample is the same.*left out/);
    expect(lines.at(-1)).toMatch(`${cases.length} of ${cases.length + 9} inputs could not be used`);
  });
});

describe('nothing to work on: one line, status 1', () => {
  mkdirSync(at('empty'));
  mkdirSync(at('papers'));
  writeFileSync(at('papers', 'letter.txt'), 'dear all');
  writeRecording(at('silent.wav'), [new Float32Array(8000)]);
  if (process.platform !== 'win32') symlinkSync('round', at('round'));

  it.each<[string, string[], RegExp]>([
    ['a missing file', ['embed', 'absent.wav'], /absent\.wav: no such file or folder/],
    ['an empty folder', ['embed', 'empty'], /empty: no recordings in this folder; Thrum looks for \.wav/],
    ['a folder of other things', ['score', 'papers', '-d', detector], /papers: no recordings in this folder/],
    ['a path below a file', ['embed', 'silent.wav/x.wav'], /silent\.wav\/x\.wav: no such file or folder/],
    ['a link to itself', ['embed', 'round'], /round: no such file or folder/],
    ['only silence', ['fit', 'silent.wav', '--out', 'a.thrum'], /none of 1 files could be used/],
    [
      'too few segments',
      ['fit', 'normal/hum00.wav', '--out', 'a.thrum'],
      /expected at least 2 normal segments.*--segment/,
    ],
    ['a segment too short', ['fit', 'normal', '--segment', '0.001', '--out', 'a.thrum'], /expected at least 0\.01 s/],
    [
      'a channel too many',
      ['fit', 'normal', '--channel', '3', '--out', 'a.thrum'],
      /expected a channel 3, but there is 1/,
    ],
    [
      'a part beyond the end',
      ['fit', 'normal', '--part', '9-10s', '--out', 'a.thrum'],
      /nothing lies between 9 and 10 s/,
    ],
    ['a missing table', ['fit', 'normal', '--labels', 'no.csv', '--out', 'a.thrum'], /no\.csv/],
    ['one folder for all labels', ['fit', 'normal', '--labels', 'folder', '--out', 'a.thrum'], /one folder per label/],
    ['weights that are not here', ['embed', 'normal', '-e', 'fisher-tiny'], /thrum models pull fisher-tiny/],
    [
      'an unknown encoder',
      ['embed', 'normal', '-e', 'ears'],
      /no encoder or file named ears; the encoders are thrum-1, spectral/,
    ],
  ])('%s', (_, args, line) => {
    const outcome = thrum(args, { ...here, env: { THRUM_MODELS: at('no-models') } });
    expect(refusal(outcome, 1)).toMatch(line);
  });

  it('a table that names none of the files, or half a line of them', () => {
    writeFileSync(at('none.csv'), 'file,label\nother.wav,worn\n');
    writeFileSync(at('half.csv'), 'file,label\nhum00.wav\n');
    const labelled = (table: string) => thrum(['fit', 'normal', '--labels', table, '--out', 'a.thrum'], here);
    expect(refusal(labelled('none.csv'), 1)).toMatch(/none of the 6 files is named in none\.csv/);
    expect(refusal(labelled('half.csv'), 1)).toMatch(/half\.csv line 2: expected a file and a name/);
  });

  it('a single bad file', () => {
    writeFileSync(at('notes.wav'), 'dear all');
    expect(complaints(thrum(['embed', 'notes.wav'], here), 1)).toEqual([
      expect.stringMatching(/^failed: readCsv: .*notes\.wav/),
      'note: 1 of 1 input could not be used',
    ]);
  });
});

describe('detectors that do not fit: one line, status 1', () => {
  const score = (path: string, ...more: string[]) => thrum(['score', 'normal', '--detector', path, ...more], here);
  const good = readFileSync(at(detector));
  const changed = (name: string, change: (bytes: Buffer) => Uint8Array): string => {
    writeFileSync(at(name), change(Buffer.from(good)));
    return name;
  };

  it.each<[string, string, RegExp]>([
    ['a missing file', 'absent.thrum', /absent\.thrum: cannot read the detector: there is no such file.*thrum fit/],
    ['a folder', 'normal', /normal: cannot read the detector: it is a folder/],
    ['a recording', 'normal/hum00.wav', /hum00\.wav: no detector, or a damaged one; make one with thrum fit/],
    ['an empty file', changed('void.thrum', () => new Uint8Array()), /void\.thrum: no detector/],
    ['one cut off', changed('cut.thrum', (bytes) => bytes.subarray(0, bytes.length - 9)), /cut\.thrum/],
    [
      'one changed byte',
      changed('bit.thrum', (bytes) => {
        bytes[bytes.length - 9] ^= 1;
        return bytes;
      }),
      /bit\.thrum: the checksum does not match.*damaged/,
    ],
    [
      'one of a later version',
      changed('new.thrum', (bytes) =>
        Buffer.from(bytes.toString('latin1').replace('\\"version\\":1', '\\"version\\":9'), 'latin1'),
      ),
      /new\.thrum has version 9.*update Thrum/,
    ],
  ])('%s', (_, path, line) => {
    expect(refusal(score(path), 1)).toMatch(line);
  });

  it('another encoder', () => {
    expect(refusal(score(detector, '--encoder', 'spectral-50ms'), 1)).toMatch(
      /fitted with spectral .*but spectral-50ms is/,
    );
  });

  it('no labels, or nothing but labels', () => {
    expect(refusal(thrum(['diagnose', 'normal', '-d', detector], here), 1)).toMatch(
      /has no labels; fit it with thrum fit --labels/,
    );
    writeHums(at('faults', 'loose'), 3, 60, 300);
    writeHums(at('faults', 'worn'), 3, 70, 600);
    output(thrum(['fit', 'faults', '--labels', 'folder', '--out', 'faults.thrum'], here));
    expect(refusal(score('faults.thrum'), 1)).toMatch(/labelled faults only.*use thrum diagnose/);
  });
});
