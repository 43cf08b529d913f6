import { describe, expect, it } from 'vitest';
import type { Sample } from '../datasets/types.ts';
import type { StoredRecording } from '../embeddings/stored-recording.ts';
import { commonRows, type Heard, oneKind, rowsByChannel, rowsByPiece } from './assemble.ts';

const sample = (path: string, more: Partial<Sample> = {}): Sample => ({
  path,
  take: `take ${path}`,
  label: 'good',
  attributes: {},
  ...more,
});

/** Values count up from `first`: segment by segment, channel by channel within. */
const recording = (first: number, more: Partial<StoredRecording> = {}): StoredRecording => {
  const shape = { channels: 1, segments: 1, columns: 2, ...more };
  const count = shape.channels * shape.segments * shape.columns;
  const values = Float32Array.from({ length: count }, (_, i) => first + i);
  return { name: 'x', sampleRate: 8000, seconds: 1, constant: false, peak: 1, values, ...shape };
};

const heard = (
  path: string,
  first: number,
  more: Partial<StoredRecording> = {},
  about: Partial<Sample> = {},
): Heard => ({
  sample: sample(path, about),
  content: `content ${path}`,
  recording: recording(first, more),
});

describe('oneKind', () => {
  it('keeps the commonest kind, in order, and says what the others are', () => {
    const all = [
      heard('a', 0, { sampleRate: 16000 }),
      heard('b', 0),
      heard('c', 0, { columns: 3 }),
      heard('d', 0),
      heard('e', 0, { channels: 2 }),
    ];
    const { kept, problems } = oneKind(all);
    expect(kept).toEqual([all[1], all[3]]);
    expect(problems).toEqual([
      'a: sampled at 16000 Hz, the others at 8000 Hz; convert it; it is left out',
      'c: its embedding has 3 values, the others have 2; it is left out',
      'e: 2 channels, the others have 1; it is left out',
    ]);
  });

  it('takes the kind met first where two are as common, and nothing of nothing', () => {
    const [a, b] = [heard('a', 0, { sampleRate: 16000 }), heard('b', 0)];
    expect(oneKind([a, b]).kept).toEqual([a]);
    expect(oneKind([])).toEqual({ kept: [], problems: [] });
  });

  it('does not mind several pieces', () => {
    const all = [heard('a', 0), heard('b', 0, { segments: 3 })];
    expect(oneKind(all)).toEqual({ kept: all, problems: [] });
  });
});

describe('rowsByChannel', () => {
  it('has a row per recording and a matrix per channel, pieces averaged', () => {
    const rows = rowsByChannel([
      heard('a', 0, { channels: 2, segments: 2 }, { label: 'bad' }),
      heard('b', 100, { channels: 2, segments: 1 }),
    ]);
    // Of a: channel 1 is 0 1 and 4 5, channel 2 is 2 3 and 6 7.
    expect(rows.channels.map(({ values }) => Array.from(values))).toEqual([
      [2, 3, 100, 101],
      [4, 5, 102, 103],
    ]);
    expect(rows.channels[0]).toMatchObject({ rows: 2, columns: 2 });
    expect(rows.names).toEqual(['a', 'b']);
    expect(rows.labels).toEqual(['bad', 'good']);
    expect(rows.takes).toEqual(['take a', 'take b']);
    expect(rows.contents).toEqual(['content a', 'content b']);
    expect(rows.samples.map(({ path }) => path)).toEqual(['a', 'b']);
  });
});

describe('rowsByPiece', () => {
  it('has a row per recording, channel and piece, each channel of a take apart from the others', () => {
    const rows = rowsByPiece([
      heard('a', 0, { channels: 2, segments: 2 }),
      heard('b', 100, { segments: 1 }, { channel: 7, take: 'take a' }),
      heard('c', 200, { segments: 1 }, { attributes: { microphone: '3' }, take: 'take a' }),
    ]);
    const [matrix] = rows.channels;
    expect(rows.channels).toHaveLength(1);
    expect([matrix.rows, matrix.columns]).toEqual([6, 2]);
    expect(Array.from(matrix.values)).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 100, 101, 200, 201]);
    expect(rows.names).toEqual(['a', 'a', 'a', 'a', 'b', 'c']);
    expect(new Set(rows.takes)).toEqual(new Set(['take a']));
    expect(rows.channelTakes).toEqual(['take a#1', 'take a#1', 'take a#2', 'take a#2', 'take a#7', 'take a#3']);
  });
});

describe('commonRows', () => {
  it('keeps what every encoder heard, in the order of the first', () => {
    const [a, b, c] = [heard('a', 0), heard('b', 0), heard('c', 0)];
    const [other, last] = [heard('c', 5), heard('a', 6)];
    expect(
      commonRows([
        [a, b, c],
        [other, last],
      ]),
    ).toEqual([
      [a, c],
      [last, other],
    ]);
    expect(commonRows([[a, b]])).toEqual([[a, b]]);
    expect(commonRows([[a], [b]])).toEqual([[], []]);
  });

  it('knows the arrays and records of one file apart', () => {
    const of = (variable: string, record: number) => heard('a', 0, {}, { read: { variable }, record });
    const [x0, x1, y0] = [of('x', 0), of('x', 1), of('y', 0)];
    expect(commonRows([[x0, x1, y0], [of('x', 1)]])[0]).toEqual([x1]);
  });
});
