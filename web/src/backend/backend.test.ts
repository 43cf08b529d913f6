import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePicture } from './picture.ts';
import { messageOf, waitSeconds } from './request.ts';
import { readEvents, type ServerEvent } from './sse.ts';

const streamOf = (bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      const edges = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      for (let i = 1; i < edges.length; i++) controller.enqueue(bytes.subarray(edges[i - 1], edges[i]));
      controller.close();
    },
  });

async function all(stream: ReadableStream<Uint8Array>): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(stream)) events.push(event);
  return events;
}

describe('readEvents', () => {
  const text =
    ':\n\nevent: score\ndata: {"ä":1}\n\n: still there\n\ndata: two\ndata: lines\n\nevent: alarm\ndata:x\n\nevent: cut';
  const expected = [
    { event: 'score', data: '{"ä":1}' },
    { event: 'message', data: 'two\nlines' },
    { event: 'alarm', data: 'x' },
  ];

  it('gives the same events however the bytes are cut, also inside of a character', async () => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        expect(await all(streamOf(bytes, cuts))).toEqual(expected);
      }),
    );
  });

  it('understands line ends of CR and LF', async () => {
    const bytes = new TextEncoder().encode('event: score\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n');
    expect(await all(streamOf(bytes, [12, 13, 22]))).toEqual([
      { event: 'score', data: '1' },
      { event: 'message', data: '2' },
    ]);
  });

  it('gives up on an event without an end', async () => {
    const bytes = new Uint8Array(8_000_001).fill(65);
    await expect(all(streamOf(bytes, []))).rejects.toThrow('one without an end');
  });
});

it('decodes pictures, also from bytes that lie at odd places', () => {
  const floats = Float32Array.of(-0.5, 0.25);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const picture = decodePicture({
    durationSeconds: 1,
    sampleRate: 8000,
    spectrogram: { frames: 1, bins: 2, maxHz: 4000, values: base64(Uint8Array.of(7, 255)), dbRange: [-70, 0] },
    waveform: {
      min: base64(new Uint8Array(floats.buffer, 0, 4)),
      max: base64(new Uint8Array(floats.buffer, 4)),
      unit: 'g',
    },
    deviation: { steps: 1, bands: [{ lowHz: 0, highHz: 4000 }], values: base64(new Uint8Array(floats.buffer)) },
  });
  expect([...picture.spectrogram.values]).toEqual([7, 255]);
  expect([...picture.waveform.min, ...picture.waveform.max]).toEqual([-0.5, 0.25]);
  expect([...(picture.deviation?.values ?? [])]).toEqual([-0.5, 0.25]);
});

it('says what the server said, in one line, and something sensible where it said nothing', () => {
  expect(messageOf(422, '{"error":"readWav: expected\\n more"}')).toBe('readWav: expected more');
  expect(messageOf(502, '<html>bad gateway</html>')).toBe('The server answered with status 502.');
  expect(messageOf(0, '')).toMatch(/does not answer/);
  expect(messageOf(403, '{"error":7}')).toMatch(/wider scope/);
});

it('waits as long as it is told, within reason', () => {
  expect([waitSeconds('3'), waitSeconds('99999'), waitSeconds('soon'), waitSeconds(null), waitSeconds('-1')]).toEqual([
    3, 60, 1, 1, 1,
  ]);
});
