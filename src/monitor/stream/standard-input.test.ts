import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Arrival } from '../types.ts';
import type { PcmFormat } from './pcm.ts';
import { createInputSource, type InputSourceOptions } from './standard-input.ts';

/** The bytes in chunks of these sizes, over and over. */
async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    yield bytes.slice(at, at + size);
    at += size;
  }
}

async function read(bytes: Uint8Array, options: InputSourceOptions = {}, sizes = [65536]) {
  const source = createInputSource(chunked(bytes, sizes), { now: () => 1000, ...options });
  const arrivals: Arrival[] = [];
  for await (const arrival of source.arrivals()) arrivals.push(arrival);
  const parts = arrivals.flatMap((arrival) => (arrival.kind === 'samples' ? [arrival] : []));
  const channels = parts[0]?.recording.channels.map((_, c) =>
    parts.flatMap(({ recording }) => [...recording.channels[c]]),
  );
  const troubles = arrivals.flatMap((arrival) => (arrival.kind === 'trouble' ? [arrival.reason] : []));
  return { parts, channels, troubles };
}

/** Samples as raw bytes, one value at a time. */
function raw(format: PcmFormat, values: readonly number[]): Uint8Array {
  const width = Number(format.slice(1, 3)) / 8;
  const view = new DataView(new ArrayBuffer(values.length * width));
  values.forEach((value, i) => {
    if (format === 'f32le') view.setFloat32(i * 4, value, true);
    else for (let b = 0; b < width; b++) view.setUint8(i * width + b, (value * 2 ** (8 * width - 1)) >> (8 * b));
  });
  return new Uint8Array(view.buffer);
}

/** A tenth of a second in two channels: ramps that 16 bits can hold. */
const ramp = Float32Array.from({ length: 800 }, (_, i) => (i - 400) / 1024);
const wav = () => writeWav({ channels: [ramp, ramp.map((v) => -v)], sampleRate: 8000, name: '' }, { bits: 16 });
const setSize = (bytes: Uint8Array, size: number): Uint8Array => {
  const changed = new Uint8Array(bytes);
  const view = new DataView(changed.buffer);
  const data = Buffer.from(changed).indexOf('data');
  view.setUint32(4, size, true);
  view.setUint32(data + 4, size, true);
  return changed;
};

describe('standard input', () => {
  it.each(['s16le', 's24le', 's32le', 'f32le'] as const)('reads %s in any chunks', async (format) => {
    const values = [0, 0.5, -0.5, 0.25, -1, 0.75];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
        const pcm = { format, sampleRate: 1000, channels: 2 };
        const { channels, troubles, parts } = await read(raw(format, values), { pcm, stream: 'mic' }, sizes);
        expect(channels).toEqual([
          [0, -0.5, -1],
          [0.5, 0.25, 0.75],
        ]);
        expect(troubles).toEqual([]);
        expect(parts[0].stream).toBe('mic');
        // Later times are counted in samples.
        parts.reduce((count, { atMs, recording }) => {
          expect(atMs).toBeCloseTo(parts[0].atMs + count, 6);
          return count + recording.channels[0].length;
        }, 0);
      }),
      { numRuns: 30 },
    );
  });

  it('reports bytes at the end that are no whole frame', async () => {
    const pcm = { format: 's16le', sampleRate: 1000, channels: 1 } as const;
    const { channels, troubles } = await read(Uint8Array.from([0, 64, 7]), { pcm });
    expect(channels).toEqual([[0.5]]);
    expect(troubles).toEqual(['1 bytes at the end are no whole frame of 2 bytes; they were left out']);
  });

  it.each([
    ['its size', undefined],
    ['a size of 0', 0],
    ['a size of 0xFFFFFFFF', 0xffffffff],
    ['the size that sox leaves', 0x7ffff000],
  ])('reads a WAV file with %s, a byte at a time too', async (_, size) => {
    const bytes = size === undefined ? wav() : setSize(wav(), size);
    for (const sizes of [[65536], [1], [3, 7]]) {
      const { channels, troubles } = await read(bytes, {}, sizes);
      expect(channels).toEqual([[...ramp], [...ramp].map((v) => 0 - v)]);
      expect(troubles).toEqual([]);
    }
  });

  it('reads WAVE_FORMAT_EXTENSIBLE, and passes over other chunks before and behind the samples', async () => {
    const { channels: expected } = await read(writeWav({ channels: [ramp], sampleRate: 8000, name: '' }, { bits: 16 }));
    const data = raw('s16le', [...ramp]);
    const fmt = Buffer.alloc(48);
    fmt.write('fmt ', 0);
    fmt.writeUInt32LE(40, 4);
    fmt.writeUInt16LE(0xfffe, 8);
    fmt.writeUInt16LE(1, 10);
    fmt.writeUInt32LE(8000, 12);
    fmt.writeUInt32LE(16000, 16);
    fmt.writeUInt16LE(2, 20);
    fmt.writeUInt16LE(16, 22);
    fmt.writeUInt16LE(22, 24);
    fmt.writeUInt16LE(16, 26);
    fmt.write('0100000000001000800000aa00389b71', 32, 'hex');
    const list = Buffer.from('LIST\x05\x00\x00\x00INFO!\0', 'latin1');
    const dataHead = Buffer.from('data\0\0\0\0', 'latin1');
    dataHead.writeUInt32LE(data.length, 4);
    const bytes = Buffer.concat([Buffer.from('RIFF\xff\xff\xff\xffWAVE', 'latin1'), list, fmt, dataHead, data, list]);
    const { channels, troubles } = await read(bytes, {}, [5]);
    expect(channels).toEqual(expected);
    expect(troubles).toEqual([]);
  });

  it('reports a WAV file that was cut, after all samples that there are', async () => {
    const { channels, troubles } = await read(wav().subarray(0, -401));
    expect(channels[0]).toHaveLength(699);
    expect(troubles).toEqual([
      'the WAV file ends 401 bytes before its own size; it was cut off',
      '3 bytes at the end are no whole frame of 4 bytes; they were left out',
    ]);
  });

  it.each([
    ['nothing', new Uint8Array(0), 'expected a WAV file, got nothing'],
    ['text', Buffer.from('hello, I am no recording'), 'expected a WAV file, got other bytes'],
    ['half a head', wav().subarray(0, 30), 'the input ends in its head'],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it.each([
    [{ format: 's16le', sampleRate: 0, channels: 1 }, 'above 0 Hz'],
    [{ format: 's16le', sampleRate: 1, channels: 0 }, '1 to 1024 channels, got 0'],
    [{ format: 's16le', sampleRate: 1, channels: 1.5 }, '1 to 1024 channels, got 1.5'],
  ] as const)('refuses settings %j', (pcm, message) => {
    expect(() => createInputSource(chunked(new Uint8Array(0), [1]), { pcm })).toThrow(message);
  });

  it('ends when it is closed while it waits', async () => {
    const input = new Readable({ read() {} });
    input.push(Buffer.from([1, 0]));
    const source = createInputSource(input, { pcm: { format: 's16le', sampleRate: 10, channels: 1 } });
    const seen: Arrival[] = [];
    for await (const arrival of source.arrivals()) {
      seen.push(arrival);
      setImmediate(() => source.close());
    }
    expect(seen.map(({ kind }) => kind)).toEqual(['samples']);
  });
});
