import { describe, expect, it } from 'vitest';
import type { Encoder } from '../../encoders/types.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { createListener } from './listener.ts';
import type { Reply } from './messages.ts';

const RATE = 1000;

/** Hears the level of a recording: its vector has it as angle, its only logit is it. */
const level = (classifier = true): Encoder => {
  const embed = async ({ channels: [samples] }: Recording) => {
    const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
    const vector = Float32Array.of(Math.cos(mean), Math.sin(mean));
    return { vector, bands: [], ...(classifier && { logits: Float32Array.of(mean) }) };
  };
  return {
    ...{ id: 'level', fingerprint: 'level', embed, release: async () => {} },
    embedMany: (recordings) => Promise.all(recordings.map(embed)),
  };
};

/** Seconds of constant levels. */
const steps = (...levels: number[]): Float32Array =>
  Float32Array.from({ length: levels.length * RATE }, (_, i) => levels[Math.floor(i / RATE)]);
const wav = (...channels: Float32Array[]): Uint8Array =>
  writeWav({ channels, sampleRate: RATE, name: 'steps' }, { bits: 'float32' });

function listening(encoder: Encoder, window = 1) {
  const replies: Reply[] = [];
  const listener = createListener(encoder, window, (reply) => replies.push(reply));
  const heard = () => replies.flatMap((reply) => (reply.kind === 'heard' ? [reply.heard] : []));
  return { replies, listener, heard };
}

describe('createListener', () => {
  it('hears a file as a whole and second by second', async () => {
    const { replies, listener, heard } = listening(level());
    await listener.take({ kind: 'file', sound: 1, bytes: wav(steps(0.5, 0.25, 0), steps(1, 1, 1)), name: 'steps.wav' });
    expect(replies[0]).toMatchObject({
      ...{ kind: 'opened', sound: 1, name: 'steps.wav', seconds: 3, sampleRate: RATE },
      ...{ channels: 2, recordings: 1, constant: false, pieces: 3 },
    });
    expect(replies[1]).toMatchObject({ kind: 'whole', logits: Float32Array.of(0.25) });
    expect(heard().map(({ start, end, logits }) => [start, end, logits?.[0]])).toEqual([
      [0, 1, 0.5],
      [1, 2, 0.25],
      [2, 3, 0],
    ]);
  });

  it('drops a file when the next sound comes', async () => {
    const { replies, listener } = listening(level());
    const first = listener.take({
      kind: 'file',
      sound: 1,
      bytes: wav(steps(...Array(50).fill(0.1))),
      name: 'long.wav',
    });
    const second = listener.take({ kind: 'file', sound: 2, bytes: wav(steps(0.2)), name: 'short.wav' });
    await Promise.all([first, second]);
    expect(replies.filter((reply) => 'sound' in reply && reply.sound === 1)).toEqual([]);
    expect(replies.map(({ kind }) => kind)).toEqual(['opened', 'whole', 'heard']);
  });

  it('measures distances from what was marked, and again when more is', async () => {
    const { replies, listener, heard } = listening(level(false));
    await listener.take({ kind: 'file', sound: 1, bytes: wav(steps(0, 0.1, 0.2, 0.3, 0.4, 0.5)), name: 'normal.wav' });
    expect(heard()[0]).toEqual({ start: 0, end: 1 });
    await listener.take({ kind: 'mark' });
    const marked = replies.at(-1);
    expect(marked).toMatchObject({ kind: 'normal', count: 6, limit: expect.closeTo(1 - Math.cos(0.1), 6) });
    expect(marked?.kind === 'normal' && marked.distances).toHaveLength(6);
    await listener.take({ kind: 'file', sound: 2, bytes: wav(steps(0.9)), name: 'other.wav' });
    expect(heard().at(-1)?.distance).toBeCloseTo(1 - Math.cos(0.4), 6);
    await listener.take({ kind: 'forget' });
    expect(replies.at(-1)).toEqual({ kind: 'normal', count: 0, distances: [undefined] });
  });

  it('remembers the last minute of a microphone', async () => {
    const { replies, listener } = listening(level(false));
    for (let end = 1; end <= 100; end++) {
      await listener.take({ kind: 'window', sound: 1, samples: steps(0.1), sampleRate: RATE, end });
    }
    await listener.take({ kind: 'mark' });
    expect(replies.at(-1)).toMatchObject({ kind: 'normal', count: 60 });
    expect(replies[4]).toMatchObject({ kind: 'heard', heard: { start: 4, end: 5 } });
  });

  it('says in one line what is wrong with a file, and goes on', async () => {
    const { replies, listener, heard } = listening(level());
    await listener.take({ kind: 'file', sound: 1, bytes: new Uint8Array([0x1f, 0x8b, 8, 0]), name: 'sound.gz' });
    expect(replies).toEqual([
      {
        kind: 'failed',
        sound: 1,
        message: expect.stringMatching(/^readRecordings: .*gzip.*sound\.gz.*unpack it first$/),
      },
    ]);
    const broken = wav(steps(0));
    new DataView(broken.buffer).setFloat32(broken.length - 4, Number.NaN, true);
    await listener.take({ kind: 'file', sound: 2, bytes: broken, name: 'nan.wav' });
    expect(replies.at(-1)).toMatchObject({ kind: 'failed', sound: 2, message: expect.stringContaining('NaN') });
    await listener.take({ kind: 'file', sound: 3, bytes: wav(steps(0.5)), name: 'good.wav' });
    expect(heard()).toHaveLength(1);
  });

  it('calls what it did not expect by another name', async () => {
    const broken = { ...level(), embed: () => Promise.reject(new Error('out of\n memory')) };
    const { replies, listener } = listening(broken);
    await listener.take({ kind: 'window', sound: 1, samples: steps(0), sampleRate: RATE, end: 1 });
    expect(replies).toEqual([{ kind: 'failed', sound: 1, message: 'Something went wrong: out of memory' }]);
  });
});
