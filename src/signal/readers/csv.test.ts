import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import type { ReadOptions } from '../recording.ts';
import { csvReader, isText, readCsv } from './csv.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string, options: ReadOptions = {}) => {
  const { channels, sampleRate, unit } = readCsv(utf8(text), { name: 'a.csv', ...options });
  return { channels: channels.map((samples) => [...samples]), sampleRate, unit };
};
const rate = { sampleRate: 100 };
const rows = (count: number, row: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => row(i)).join('\n');

describe('readCsv, layout', () => {
  const columns = [
    [1, 3],
    [-2.5, 0.25],
  ];
  it.each([
    ['comma', '1,-2.5\n3,0.25\n'],
    ['comma and blank, no last line feed', '1, -2.5\n3, 0.25'],
    ['semicolon', '1;-2.5\n3;.25\n'],
    ['semicolon and decimal comma', '1;-2,5\n3;0,25\n'],
    ['tab', '1\t-2.5\n3\t0.25\n'],
    ['tab and decimal comma', '1\t-2,5\n3\t0,25\n'],
    ['blanks', '   1   -2.5\n   3    2.5e-1\n'],
    ['blanks and decimal comma', '1,0 -2,5\n3,0 0,25\n'],
    ['carriage returns', '1,-2.5\r\n3,0.25\r\n'],
    ['trailing separators', '1,-2.5,\n3,0.25,\n'],
    ['trailing separators and carriage returns', '1;-2.5;\r\n3;0.25;\r\n'],
    ['empty and comment lines', '# pump 7\n\n1,-2.5\n\n% pause\n3,0.25\n\n\n'],
    ['a byte order mark', '\ufeff1,-2.5\n3,0.25\n'],
    ['quotes', '"1","-2.5"\n"3","0.25"\n'],
    ['a header', 'x,y\n1,-2.5\n3,0.25\n'],
    ['many header lines', 'Pump 7\nDate: 2021-03-04\nRemarks, none, really\nChannel A,Channel B\n1,-2.5\n3,0.25\n'],
    ['a header with trailing separators', 'x;y;\n1;-2,5;\n3;0,25;\n'],
  ])('%s', (_, text) => {
    expect(read(text, rate)).toEqual({ channels: columns, sampleRate: 100, unit: undefined });
  });

  it('reads UTF-16, as spreadsheets write it', () => {
    const text = '\ufeffx\ty\r\n1\t-2.5\r\n3\t0.25\r\n';
    const little = new Uint8Array(Uint16Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
    expect(csvReader.detect(little)).toBe(true);
    expect(readCsv(little, rate).channels.map((samples) => [...samples])).toEqual(columns);
  });

  it('takes 0,05 for a decimal comma: no program writes the whole number 5 so', () => {
    expect(read('1,25\n0,05\n', rate).channels).toEqual([[1.25, Math.fround(0.05)]]);
    expect(read('1,25\n0,5\n', rate).channels).toEqual([
      [1, 0],
      [25, 5],
    ]);
  });

  it('keeps NaN and infinity where the file says so', () => {
    expect(read('1,nan\n-inf,NaN\n', rate).channels).toEqual([
      [1, Number.NEGATIVE_INFINITY],
      [Number.NaN, Number.NaN],
    ]);
  });

  it('reads units from brackets, or from a line of their own', () => {
    expect(read('A (m/s^2),B [m/s^2]\n1,2\n3,5\n', rate).unit).toBe('m/s^2');
    expect(read('A (m/s^2),B [g]\n1,2\n3,5\n', rate).unit).toBeUndefined();
    const latin1 = Uint8Array.from('acc (m/s²)\n1\n2\n', (letter) => letter.charCodeAt(0));
    expect(readCsv(latin1, rate).unit).toBe('m/s²');
    const picoscope = 'Time,Channel A,Channel B\n(ms),(mV),(mV)\n\n0,1,-2.5\n0.5,3,0.25\n';
    expect(read(picoscope)).toEqual({ channels: columns, sampleRate: 2000, unit: 'mV' });
    expect(read('time (s) acc (g)\n0 1\n0.5 3\n')).toEqual({ channels: [[1, 3]], sampleRate: 2, unit: 'g' });
  });

  it('takes the columns it is told to, by name or number', () => {
    const text = 't,acc x,"acc, y"\n0,1,4\n0.1,2,5\n0.2,3,6\n';
    const first = [1, 2, 3];
    const second = [4, 5, 6];
    expect(read(text).channels).toEqual([first, second]);
    expect(read(text, { variable: '2' }).channels).toEqual([first]);
    expect(read(text, { variable: '3, 2' }).channels).toEqual([second, first]);
    expect(read(text, { variable: 'Acc X' }).channels).toEqual([first]);
    expect(read(text, { variable: 'acc, y' }).channels).toEqual([second]);
    expect(() => read(text, { variable: 'z' })).toThrow(/expected column z, found 1 \(t\), 2 \(acc x\)/);
    expect(() => read(text, { variable: '4' })).toThrow(/expected column 4/);
  });

  it('gives back any table it is given, in any format', () => {
    const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
      fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: width, maxLength: width }), {
        minLength: 2,
        maxLength: 9,
      }),
    );
    const formats = fc.constantFrom([',', '.'], [';', '.'], [';', ','], ['\t', '.'], ['\t', ','], [' ', '.']);
    fc.assert(
      fc.property(table, formats, fc.boolean(), (values, [delimiter, decimal], crlf) => {
        // A decimal mark in every number, so that no format is ambiguous; letters for names, so that none is time.
        const cell = (x: number) => x.toExponential(12).replace('.', decimal);
        const names = values[0].map((_, c) => `acc${c}x`).join(delimiter);
        const lines = [names, ...values.map((row) => row.map(cell).join(delimiter))];
        const { channels } = read(lines.join(crlf ? '\r\n' : '\n'), {
          ...rate,
          variable: values[0].map((_, c) => c + 1).join(','),
        });
        expect(channels).toEqual(
          values[0].map((_, c) => values.map((row) => Math.fround(Number(row[c].toExponential(12))) + 0 || 0)),
        );
      }),
    );
  });
});

describe('readCsv, time', () => {
  it.each([
    ['seconds', rows(60, (i) => `${i === 0 ? 'time,x\n' : ''}${i / 12000},${i % 7}`), 12000],
    [
      'a few digits of 12 kHz',
      rows(400, (i) => `${i === 0 ? 'Time [s];x\n' : ''}${(i / 12000).toFixed(5)};${i % 7}`),
      12000,
    ],
    [
      'a float32 of 25.6 kHz',
      rows(400, (i) => `${i === 0 ? 't\tx\n' : ''}${Math.fround(i / 25600).toPrecision(7)}\t${i % 7}`),
      25600,
    ],
    [
      '48828.125 Hz',
      rows(400, (i) => `${i === 0 ? 'seconds,x\n' : ''}${(i / 48828.125).toFixed(9)},${i % 7}`),
      48828.125,
    ],
    ['milliseconds', rows(20, (i) => `${i === 0 ? 'Zeit (ms);x\n' : ''}${i * 2};${i % 7}`), 500],
    ['microseconds by name', rows(20, (i) => `${i === 0 ? 'timestamp_us,x\n' : ''}${7 + i * 40},${i % 7}`), 25000],
    ['time in another column', rows(20, (i) => `${i === 0 ? 'x,Time\n' : ''}${i % 7},${i * 0.001}`), 1000],
    ['milliseconds since 1970', rows(20, (i) => `${i === 0 ? 'timestamp,x\n' : ''}${1.6e12 + i * 10},${i % 7}`), 100],
    ['no header', rows(20, (i) => `${(0.5 + i * 0.002).toFixed(3)} ${i % 7}`), 500],
    [
      'a name that says nothing, in seconds',
      rows(20, (i) => `${i === 0 ? 'Temps (s),x\n' : ''}${i * 0.01},${i % 7}`),
      100,
    ],
  ])('reads %s', (_, text, expected) => {
    const { channels, sampleRate } = read(text);
    expect(sampleRate).toBe(expected);
    expect(channels.length).toBe(1);
    expect(channels[0].slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
  });

  it('drops a count of samples, which gives no rate', () => {
    for (const text of ['0,5\n1,7\n2,6\n', ',x\n1,5\n2,7\n3,6\n', 'index,x\n0,5\n1,7\n2,6\n', 't,x\n0,5\n1,7\n2,6\n']) {
      expect(read(text, rate)).toEqual({ channels: [[5, 7, 6]], sampleRate: 100, unit: undefined });
      expect(() => read(text)).toThrow(/expected a sampling rate.*(samples).*--rate/);
    }
    expect(() => read('0,5\n10,7\n20,6\n')).toThrow(/steps of 10, in no stated unit/);
  });

  it('keeps a first column that is no time', () => {
    expect(read('load (V),x\n1,5\n2,7\n3,6\n', rate).channels.length).toBe(2);
    expect(read('1,5\n2,7\n4,6\n', rate).channels.length).toBe(2);
    expect(read('1\n2\n3\n', rate).channels).toEqual([[1, 2, 3]]);
  });

  it.each([
    ['a gap', 'time,x\n0,1\n0.0010,2\n0.0020,3\n0.0040,4\n', /even sampling.*a step of 0.002 at a\.csv, line 5/],
    [
      'jitter',
      rows(50, (i) => `${i === 0 ? 'time,x\n' : ''}${(i * 0.01 + (i % 2) * 0.0005).toFixed(5)},1`),
      /even sampling/,
    ],
    ['time that falls', 'time,x\n2,1\n1,2\n0,3\n', /time that rises/],
    ['a hole in time', 'time,x\n0,1\nnan,2\n0.2,3\n', /a time in every row, found NaN at a\.csv, line 3/],
  ])('refuses %s', (_, text, message) => {
    expect(() => read(text, rate)).toThrow(InputError);
    expect(() => read(text, rate)).toThrow(message);
  });

  it('takes the rate from the user where time is written too coarsely', () => {
    const text = rows(50, (i) => `${i === 0 ? 'time,x\n' : ''}${(i * 0.001).toFixed(2)},${i}`);
    expect(() => read(text)).toThrow(/too coarsely.*--rate/);
    expect(() => read(text, { sampleRate: 500 })).toThrow(/time in steps of 1\/500 s/);
    expect(read(text, { sampleRate: 1000 })).toMatchObject({ sampleRate: 1000, channels: { length: 1 } });
  });

  it.each([',', ';'])('reads the clock of PRONOSTIA, separated by %j', (delimiter) => {
    const clock = (i: number) => 65664 + Math.floor(i * 39.0625);
    const text = rows(2560, (i) => [9, 39, 39, clock(i), (i % 5) / 8, -(i % 3) / 4].join(delimiter));
    const { channels, sampleRate } = read(text);
    expect(sampleRate).toBe(25600);
    expect(channels.map((samples) => samples.slice(0, 4))).toEqual(
      [
        [0, 0.125, 0.25, 0.375],
        [0, -0.25, -0.5, 0],
      ].map((c) => c.map((x) => x + 0 || 0)),
    );
  });

  it('reads that clock over midnight, and written with five digits', () => {
    const night = rows(100, (i) => (i < 50 ? `23,59,59,${999500 + i * 10},1,2` : `0,0,0,${(i - 50) * 10},1,2`));
    expect(read(night).sampleRate).toBe(100000);
    const short = rows(2560, (i) => `9,39,39,${Number((565660 + i * 39.0625).toPrecision(5)).toExponential()},1,2`);
    expect(read(short).sampleRate).toBe(25600);
  });
});

describe('readCsv, errors', () => {
  it.each([
    ['a word among numbers', '1,2\n3,4\n5,ok\n7,8\n', /number in column 2, found "ok" \(a\.csv, line 3\)/],
    ['an empty cell', '1,2,3\n4,,6\n7,8,9\n', /number in column 2, found an empty cell \(a\.csv, line 2\)/],
    ['a short row', '# x\n1,2,3\n4,5\n6,7,8\n', /3 columns, found 2 \(a\.csv, line 3\)/],
    ['a long row', '1,2\n4,5\n6,7,8\n', /2 columns, found more \(a\.csv, line 3\)/],
    ['text', 'this is no wav\nfile at all', /rows of numbers, got the text "this is no wav" \(a\.csv, line 1\)/],
    ['blank lines', '\n\n', /rows of numbers/],
    ['time alone', 'time\n0\n0.1\n', /samples besides time/],
  ])('refuses %s', (_, text, message) => {
    expect(() => read(text, rate)).toThrow(InputError);
    expect(() => read(text, rate)).toThrow(message);
  });

  it('asks for a rate where there is none', () => {
    expect(() => read('1.5\n2\n')).toThrow(
      /sampling rate, found none: no column of time \(a\.csv\); give it with --rate/,
    );
  });

  it('tells text from other bytes', () => {
    expect(isText(utf8('1,2\r\n'))).toBe(true);
    expect(isText(Uint8Array.of(49, 0, 50, 0))).toBe(false);
    expect(isText(new Uint8Array(0))).toBe(false);
    expect(isText(Uint8Array.from({ length: 64 }, (_, i) => 190 + i))).toBe(false);
  });

  it.skipIf(!process.env.THRUM_DATA)('reads motor currents, 1 s of three phases at 1 kHz', () => {
    const archive = unzipSync(
      new Uint8Array(readFileSync(`${process.env.THRUM_DATA}/itsc/dataset/Cropped_Signals_SF.zip`)),
      {
        filter: ({ name }) => name.endsWith('.csv') && !name.startsWith('__MACOSX'),
      },
    );
    const files = Object.entries(archive);
    expect(files.length).toBe(65);
    for (const [name, bytes] of files) {
      const { channels } = readCsv(bytes, { name, sampleRate: 1000 });
      expect(
        channels.map((samples) => samples.length),
        name,
      ).toEqual([1000, 1000, 1000]);
      const first = new TextDecoder()
        .decode(bytes)
        .split('\r\n')[0]
        .split(',')
        .map((cell) => Math.fround(Number(cell)));
      expect(channels.map((samples) => samples[0])).toEqual(first);
    }
  });
});
