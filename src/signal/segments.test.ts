import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGoldenJson } from '../../tests/golden.ts';
import { InputError } from './errors.ts';
import type { Recording } from './recording.ts';
import {
  checkFinite,
  isConstant,
  overlappingPieces,
  pickChannel,
  pieceStarts,
  segmentRecording,
  takePart,
} from './segments.ts';

/** Channel c counts up from 1000 c. */
const counting = (samples: number, sampleRate = 100, channels = 1): Recording => ({
  channels: Array.from({ length: channels }, (_, c) => Float32Array.from({ length: samples }, (_, i) => 1000 * c + i)),
  sampleRate,
  unit: 'g',
  name: 'r.wav',
});

const ends = ([samples]: Float32Array[]): [number, number] => [samples[0], samples[samples.length - 1]];

describe('takePart', () => {
  it.each([
    [{ from: 0, to: 50, unit: '%' }, [0, 99]],
    [{ from: 50, to: 100, unit: '%' }, [100, 199]],
    [{ from: 99.5, to: 100, unit: '%' }, [199, 199]],
    [{ from: 0.5, to: 1.25, unit: 's' }, [50, 124]],
    [{ from: 1.5, to: 9, unit: 's' }, [150, 199]],
    [{ from: 0, to: Number.POSITIVE_INFINITY, unit: 's' }, [0, 199]],
  ] as const)('takes %o', (part, wanted) => {
    const recording = counting(200, 100, 2);
    const taken = takePart(recording, part);
    expect(ends(taken.channels)).toEqual(wanted);
    expect(taken.channels[1][0]).toBe(1000 + wanted[0]);
    expect(taken).toMatchObject({ sampleRate: 100, unit: 'g', name: 'r.wav' });
    expect(taken.channels[0].buffer).toBe(recording.channels[0].buffer);
  });

  it.each([
    [{ from: 3, to: 4, unit: 's' }, /r\.wav: nothing lies between 3 and 4 s of 2 s; change --part/],
    [{ from: 1, to: 1, unit: 's' }, /nothing lies between 1 and 1 s/],
    [{ from: 60, to: 40, unit: '%' }, /nothing lies between 60 and 40 %/],
    [{ from: -1, to: 1, unit: 's' }, /nothing lies between -1 and 1 s/],
    [{ from: Number.NaN, to: 1, unit: 's' }, /nothing lies between NaN and 1 s/],
    [{ from: 0, to: Number.NaN, unit: '%' }, /nothing lies between 0 and NaN %/],
  ] as const)('refuses %o', (part, message) => {
    expect(() => takePart(counting(200), part)).toThrow(message);
    expect(() => takePart(counting(200), part)).toThrow(InputError);
  });

  it('cuts into parts that make up the whole', () => {
    const cuts = fc.tuple(fc.integer({ min: 2, max: 500 }), fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(cuts, ([samples, percent]) => {
        const recording = counting(samples);
        const at = Math.round((percent / 100) * samples);
        fc.pre(at > 0 && at < samples);
        const first = takePart(recording, { from: 0, to: percent, unit: '%' }).channels[0];
        const second = takePart(recording, { from: percent, to: 100, unit: '%' }).channels[0];
        expect([...first, ...second]).toEqual([...recording.channels[0]]);
      }),
    );
  });
});

describe('pickChannel', () => {
  const recording = counting(4, 100, 3);

  it('gives one channel, the mean, or each', () => {
    expect(pickChannel(recording, 2).map(({ channels }) => channels)).toEqual([
      [Float32Array.of(2000, 2001, 2002, 2003)],
    ]);
    expect(pickChannel(recording, 'mean')[0].channels).toEqual([Float32Array.of(1000, 1001, 1002, 1003)]);
    const each = pickChannel(recording, 'all');
    expect(each.map(({ channels }) => [channels.length, channels[0][0]])).toEqual([
      [1, 0],
      [1, 1000],
      [1, 2000],
    ]);
    for (const one of [...each, ...pickChannel(recording, 1)]) {
      expect(one).toMatchObject({ sampleRate: 100, unit: 'g', name: 'r.wav' });
    }
    const mono = counting(4);
    expect(pickChannel(mono, 'mean')).toEqual([mono]);
  });

  it.each([3, 7, -1, 0.5, Number.NaN])('refuses channel %f', (choice) => {
    expect(() => pickChannel(recording, choice)).toThrow(InputError);
    expect(() => pickChannel(recording, choice)).toThrow(
      `r.wav: expected a channel ${choice + 1}, but there are 3; choose one`,
    );
    expect(() => pickChannel(counting(4), 1)).toThrow('expected a channel 2, but there is 1;');
  });
});

describe('segmentRecording', () => {
  const cut = (samples: number, seconds: number | null) =>
    segmentRecording(counting(samples), seconds, 0).map(({ channels }) => ends(channels[0].channels));

  it.each([
    [
      'exact pieces',
      300,
      1,
      [
        [0, 99],
        [100, 199],
        [200, 299],
      ],
    ],
    [
      'less than half a piece left out',
      249,
      1,
      [
        [0, 99],
        [100, 199],
      ],
    ],
    [
      'half a piece as a whole one that overlaps',
      250,
      1,
      [
        [0, 99],
        [100, 199],
        [150, 249],
      ],
    ],
    [
      'nearly a piece as a whole one',
      299,
      1,
      [
        [0, 99],
        [100, 199],
        [199, 298],
      ],
    ],
    ['a recording shorter than a piece', 30, 1, [[0, 29]]],
    ['the whole', 250, null, [[0, 249]]],
    [
      'pieces of one sample',
      3,
      0.001,
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
  ] as const)('cuts: %s', (_, samples, seconds, wanted) => {
    expect(cut(samples, seconds)).toEqual(wanted);
  });

  it('says where a piece lies, and gives it for every channel', () => {
    const segments = segmentRecording(counting(250, 100, 2), 1, 'all');
    expect(segments.map(({ startSeconds, durationSeconds }) => [startSeconds, durationSeconds])).toEqual([
      [0, 1],
      [1, 1],
      [1.5, 1],
    ]);
    expect(segments[2].channels.map(({ channels }) => ends(channels))).toEqual([
      [150, 249],
      [1150, 1249],
    ]);
    expect(segmentRecording(counting(30), 1, 'mean')[0].durationSeconds).toBe(0.3);
  });

  it('gives pieces of equal length that follow each other and leave less than half a piece', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 90 }),
    );
    fc.assert(
      fc.property(sizes, ([samples, length, sampleRate]) => {
        const recording = counting(samples, sampleRate);
        const pieces = segmentRecording(recording, length / sampleRate, 0).map(
          ({ channels }) => channels[0].channels[0],
        );
        const size = Math.min(length, samples);
        expect(pieces.every((piece) => piece.length === size)).toBe(true);
        for (const [i, piece] of pieces.entries()) {
          const overlaps = i > 0 && i === pieces.length - 1 && piece[0] !== i * length;
          expect(piece[0]).toBe(overlaps ? samples - length : i * length);
        }
        const heard = (pieces.at(-1) as Float32Array)[size - 1] + 1;
        expect(samples - heard).toBeLessThan(length / 2);
      }),
    );
  });

  it.each([0, -1, Number.NaN])('refuses pieces of %f s', (seconds) => {
    expect(() => cut(100, seconds)).toThrow(InputError);
    expect(() => cut(100, seconds)).toThrow(`r.wav: expected segments longer than 0 s, got ${seconds}`);
  });

  it('gives one empty piece of an empty recording', () => {
    const [segment, ...more] = segmentRecording(counting(0), null, 0);
    expect([segment.channels[0].channels[0].length, segment.durationSeconds, more.length]).toEqual([0, 0, 0]);
  });
});

describe('checkFinite', () => {
  it('names the first sample that is no number', () => {
    const recording = counting(50, 100, 2);
    expect(() => checkFinite(recording)).not.toThrow();
    recording.channels[1][40] = Number.NaN;
    recording.channels[1][20] = Number.NEGATIVE_INFINITY;
    expect(() => checkFinite(recording)).toThrow(InputError);
    expect(() => checkFinite(recording)).toThrow(
      'r.wav: sample 20 of channel 2 is -Infinity; repair the recording or cut it out',
    );
    recording.channels[0][49] = Number.NaN;
    expect(() => checkFinite(recording)).toThrow('sample 49 of channel 1 is NaN');
  });
});

describe('isConstant', () => {
  it('is true where no channel moves', () => {
    const flat = (value: number) => new Float32Array(10).fill(value);
    expect(isConstant({ ...counting(10), channels: [flat(0), flat(0.5)] })).toBe(true);
    expect(isConstant({ ...counting(10), channels: [flat(0), counting(10).channels[0]] })).toBe(false);
    const last = flat(1);
    last[9] = 1 + 2 ** -23;
    expect(isConstant({ ...counting(10), channels: [last] })).toBe(false);
  });
});

describe('pieces for transformer pooling', () => {
  const { segments } = readGoldenJson<{ segments: Record<string, number[][] | number[]> }>('aithu_head/meta.json');
  const [two, half] = [32000, 8000];

  it.each([
    ['extract 10s L=2s S=.5s', 160000, half],
    ['extract 12.3s', 196800, half],
  ])('golden numbers: %s', (name, total, hop) => {
    const starts = pieceStarts(total, two, 0, hop);
    expect(starts.map((from) => [from, from + two])).toEqual(segments[name]);
  });

  it.each([
    ['eval 10s hop 2s starts', 160000],
    ['eval 11s hop 2s starts', 176000],
  ])('golden numbers: %s, the last one once', (name, total) => {
    expect(pieceStarts(total, two, 0, two)).toEqual([...new Set(segments[name] as number[])]);
  });

  it('cover every sample, end with the signal, and are views of it', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
    );
    fc.assert(
      fc.property(sizes, ([total, length, wanted]) => {
        const hop = Math.min(wanted, length);
        const samples = counting(total).channels[0];
        const pieces = overlappingPieces(samples, length, hop);
        expect(pieces.every((piece) => piece.length === length)).toBe(true);
        expect(new Set(pieces.flatMap((piece) => [...piece])).size).toBe(total);
        const firsts = pieces.map((piece) => piece[0]);
        expect(new Set(firsts).size).toBe(firsts.length);
        if (total < length) return;
        expect(pieces[pieces.length - 1][length - 1]).toBe(total - 1);
        expect(pieces.every((piece) => piece.buffer === samples.buffer)).toBe(true);
        expect(firsts.slice(0, -1)).toEqual(firsts.slice(0, -1).map((_, i) => i * hop));
      }),
    );
  });

  it('repeat a shorter signal to the length', () => {
    expect(overlappingPieces(Float32Array.of(1, 2, 3), 7, 2)).toEqual([Float32Array.of(1, 2, 3, 1, 2, 3, 1)]);
    expect(overlappingPieces(Float32Array.of(1, 2, 3), 3, 1)).toEqual([Float32Array.of(1, 2, 3)]);
  });

  it.each([
    [0, 5, 5],
    [10, 0, 5],
    [10, 5, 0],
    [10, 2.5, 1],
  ])('refuse %d samples in pieces of %d every %d', (total, length, hop) => {
    expect(() => overlappingPieces(new Float32Array(total), length, hop)).toThrow(InputError);
  });
});
