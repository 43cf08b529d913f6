import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Arrival } from '../types.ts';
import { createMessageReader, type Message, type MessageReaderOptions } from './messages.ts';
import { mqttRules, natsRules, parseSubject } from './subject.ts';

const base64 = (values: readonly number[]): string =>
  Buffer.from(Int16Array.from(values, (v) => v * 32768).buffer).toString('base64');
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const wav = writeWav({ channels: [Float32Array.of(0, 0.5, -0.5)], sampleRate: 8000, name: '' });

function reading(options: Partial<MessageReaderOptions> = {}) {
  const acked: string[] = [];
  const reader = createMessageReader({ nameOf: (topic) => topic, maxOpenParts: 1000, ...options });
  const read = (bytes: Uint8Array, label = '', more: Partial<Message> = {}) =>
    reader.read({ topic: 'pump', bytes, atMs: 10_000, done: () => acked.push(label), ...more });
  return { reader, read, acked };
}
const channelsOf = (arrival: Arrival): number[][] =>
  arrival.kind === 'trouble' ? [] : arrival.recording.channels.map((samples) => [...samples]);
const reasonsOf = (arrivals: readonly Arrival[]): string[] =>
  arrivals.flatMap((arrival) => (arrival.kind === 'trouble' ? [arrival.reason] : []));

describe('messages', () => {
  it.each([
    ['numbers', { rate: 4, samples: [0, 0.5, -0.5] }, [[0, 0.5, -0.5]]],
    ['base64', { rate: 4, format: 's16le', samples: base64([0, 0.5, -0.5]) }, [[0, 0.5, -0.5]]],
    [
      'interleaved channels',
      { rate: 4, channels: 2, samples: [1, 2, 3, 4] },
      [
        [1, 3],
        [2, 4],
      ],
    ],
    [
      'interleaved base64',
      { rate: 4, channels: 2, format: 's16le', samples: base64([0.5, 0, 0.25, 0]) },
      [
        [0.5, 0.25],
        [0, 0],
      ],
    ],
    [
      'lists',
      {
        rate: 4,
        samples: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
  ])('of JSON hold %s', async (_, value, expected) => {
    const { read } = reading();
    const [arrival] = await read(json(value));
    expect(arrival).toMatchObject({ kind: 'samples', stream: 'pump', recording: { sampleRate: 4 } });
    expect(channelsOf(arrival)).toEqual(expected);
    // The samples end when the message came.
    expect(arrival.atMs).toBe(10_000 - expected[0].length * 250);
  });

  it('say when they begin', async () => {
    const { read } = reading();
    const [inMs] = await read(json({ rate: 4, samples: [1], start: 1234 }));
    const [inIso] = await read(json({ rate: 4, samples: [1], start: '2026-11-30T12:00:00+01:00' }));
    expect([inMs.atMs, inIso.atMs]).toEqual([1234, Date.UTC(2026, 10, 30, 11)]);
  });

  it('are files, raw samples by settings, raw samples by headers', async () => {
    const [file] = await reading().read(wav);
    expect(file).toMatchObject({ kind: 'recording', recording: { sampleRate: 8000 } });
    const pcm = { format: 'f32le', sampleRate: 100, channels: 1 } as const;
    // Raw samples may begin with the byte of a brace.
    const samples = new Uint8Array(Float32Array.of(0.25, 0.5).buffer);
    samples[0] = 0x7b;
    expect(await reading({ pcm }).read(samples)).toMatchObject([{ kind: 'samples', recording: { sampleRate: 100 } }]);
    const headers = { rate: '200', format: 'f32le', start: '500' };
    expect(await reading().read(samples, '', { headers })).toMatchObject([
      { kind: 'samples', atMs: 500, recording: { sampleRate: 200 } },
    ]);
    expect(await reading({ pcm, bursts: true }).read(samples)).toMatchObject([{ kind: 'recording' }]);
  });

  it.each([
    ['damaged JSON', Buffer.from('{"rate":'), 'JSON'],
    ['JSON in broken UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'JSON'],
    ['no rate', json({ samples: [1] }), 'rate as documented'],
    ['a rate of 0', json({ rate: 0, samples: [1] }), 'rate as documented'],
    ['an endless rate', Buffer.from('{"rate":1e999,"samples":[1]}'), 'rate as documented'],
    ['no samples', json({ rate: 1, samples: [] }), 'samples'],
    ['text for samples', json({ rate: 1, format: 's16le', samples: 'hällo' }), 'samples'],
    ['base64 without a format', json({ rate: 1, samples: 'AAAA' }), 'a format beside base64'],
    ['half a sample', json({ rate: 1, format: 's16le', samples: 'AAAA' }), 'whole frames of 2 bytes'],
    ['uneven channels', json({ rate: 1, samples: [[1], [1, 2]] }), 'channels of one length'],
    ['uneven frames', json({ rate: 1, channels: 2, samples: [1, 2, 3] }), '2 values for each moment'],
    ['a part without an id', json({ rate: 1, samples: [1], part: 1, parts: 2 }), 'an id'],
    ['a part beyond the last', json({ rate: 1, samples: [1], id: 'a', part: 3, parts: 2 }), 'part 1 to 2'],
    ['a million parts', json({ rate: 1, samples: [1], id: 'a', part: 1, parts: 1e6 }), 'parts'],
    ['a time beyond all', json({ rate: 1, samples: [1], start: 1e300 }), 'start'],
    ['nothing', new Uint8Array(0), 'empty file'],
    ['a cut file', wav.subarray(0, 46), 'cut off'],
    ['noise', Uint8Array.of(1, 2, 3, 255, 0), 'expected WAV'],
  ])('that hold %s are trouble of one line, and acknowledged', async (_, bytes, part) => {
    const { read, acked } = reading();
    const arrivals = await read(bytes, 'bad');
    const [reason] = reasonsOf(arrivals);
    expect(reason).toContain(part);
    expect(reason).not.toContain('\n');
    expect(acked).toEqual([]);
    arrivals[0].done?.();
    expect(acked).toEqual(['bad']);
  });

  it('that hold anything do not throw', async () => {
    const { read } = reading();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          for (const arrival of await read(bytes)) expect(['trouble', 'recording', 'samples']).toContain(arrival.kind);
        },
      ),
    );
  });

  it('are acknowledged early where more are open than a broker sends', async () => {
    const { read, acked } = reading({ maxOpenParts: 2 });
    const arrivals: Arrival[] = [];
    for (const label of ['a', 'b', 'c', 'd']) arrivals.push(...(await read(json({ rate: 1, samples: [1] }), label)));
    expect(acked).toEqual(['a', 'b']);
    for (const arrival of arrivals) arrival.done?.();
    expect(acked).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('bursts', () => {
  const part = (p: number, parts: number, more: object = {}) =>
    json({ rate: 10, samples: [p, p + 0.5], id: 'x', part: p, parts, ...more });

  it('are put together from parts in any order, with duplicates, and acknowledged when the whole is done', async () => {
    const order = fc.integer({ min: 1, max: 6 }).chain((parts) =>
      fc.tuple(
        fc.shuffledSubarray(
          Array.from({ length: parts }, (_, p) => p + 1),
          { minLength: parts },
        ),
        fc.array(fc.integer({ min: 1, max: parts }), { maxLength: 4 }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(order, async ([parts, again]) => {
        const { read, acked } = reading();
        const sent = [...parts.slice(0, -1), ...again.filter((p) => p !== parts.at(-1)), ...parts.slice(-1)];
        const arrivals: Arrival[] = [];
        for (const p of sent) arrivals.push(...(await read(part(p, parts.length), 'part')));
        expect(arrivals).toHaveLength(1);
        expect(channelsOf(arrivals[0])).toEqual([[...parts].sort((a, b) => a - b).flatMap((p) => [p, p + 0.5])]);
        // A duplicate while the whole is not done is not acknowledged before it.
        expect(await read(part(1, parts.length), 'part')).toEqual([]);
        expect(acked).toEqual([]);
        arrivals[0].done?.();
        expect(acked).toHaveLength(sent.length + 1);
        expect(await read(part(1, parts.length), 'late')).toEqual([]);
        expect(acked.at(-1)).toBe('late');
      }),
    );
  });

  it('that stay incomplete are trouble after a time, and may be sent again', async () => {
    const { read, reader, acked } = reading({ limits: { timeoutMs: 0 } });
    await read(part(1, 3), 'first');
    const [trouble] = reader.expire();
    expect(reasonsOf([trouble])[0]).toMatch(/^burst x: 1 of 3 parts came, then no more within/);
    trouble.done?.();
    expect(acked).toEqual(['first']);
    expect(reader.expire()).toEqual([]);
    for (const p of [1, 2]) expect(await read(part(p, 3))).toEqual([]);
    expect(await read(part(3, 3))).toMatchObject([{ kind: 'recording' }]);
  });

  it('whose parts do not fit are trouble', async () => {
    for (const misfit of [{ rate: 11 }, { parts: 4 }, { channels: 2 }]) {
      const { read, acked } = reading();
      await read(part(1, 3), 'one');
      const arrivals = await read(part(2, 3, misfit), 'two');
      expect(reasonsOf(arrivals)[0]).toContain('differs');
      arrivals[0].done?.();
      expect(acked).toEqual(['one', 'two']);
    }
  });

  it('take bounded memory, whatever is begun', async () => {
    const { read } = reading({ limits: { maxOpen: 3, maxBytes: 1000 } });
    const reasons: string[] = [];
    for (let i = 0; i < 10; i++) {
      reasons.push(...reasonsOf(await read(json({ rate: 1, samples: [1], id: i, part: 1, parts: 2 }))));
    }
    expect(reasons).toHaveLength(7);
    const large = json({ rate: 1, samples: Array.from({ length: 300 }, () => 0), id: 'large', part: 1, parts: 2 });
    expect(reasonsOf(await read(large))).toHaveLength(4);
  });

  it('of one message with an id are recordings, once', async () => {
    const { read, acked } = reading();
    const one = json({ rate: 10, samples: [1, 2], id: 7 });
    const [arrival] = await read(one, 'a');
    expect(arrival.kind).toBe('recording');
    expect(await read(one, 'b')).toEqual([]);
    expect(acked).toEqual([]);
    arrival.done?.();
    expect(acked).toEqual(['a', 'b']);
  });
});

describe('topics', () => {
  it.each([
    ['plants/{machine}/audio', mqttRules, 'plants/+/audio', 'plants/p7/audio', 'p7'],
    ['plants/+/{machine}/#', mqttRules, 'plants/+/+/#', 'plants/a/b/c/d', 'b'],
    ['plants/#', mqttRules, 'plants/#', 'plants/a/p7', 'p7'],
    ['plants.{machine}.>', natsRules, 'plants.*.>', 'plants.p7.x.y', 'p7'],
    ['audio', natsRules, 'audio', 'audio', 'audio'],
    ['plants/#', mqttRules, 'plants/#', 'plants/a/', 'plants/a/'],
  ])('%s', (pattern, rules, filter, topic, name) => {
    const subject = parseSubject(pattern, rules);
    expect(subject.filter).toBe(filter);
    expect(subject.nameOf(topic)).toBe(name);
  });

  it.each(['', 'a/{machine}/{machine}', 'a/x{machine}', 'a/b+', 'a/#/b'])('refuse %j', (pattern) => {
    expect(() => parseSubject(pattern, mqttRules)).toThrow('parseSubject: expected');
  });
});
