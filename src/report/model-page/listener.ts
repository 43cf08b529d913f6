// The part of the page that hears: files and windows go through the encoder, and what it says is sent back.
import type { Encoder } from '../../encoders/types.ts';
import { InputError } from '../../signal/errors.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { duration, type Recording } from '../../signal/recording.ts';
import { checkFinite, isConstant, pickChannel, takePart } from '../../signal/segments.ts';
import { pictureSpectrogram } from '../picture.ts';
import type { Reply, Request, Span } from './messages.ts';
import { createNormalSounds, type Stretch } from './normal-sounds.ts';
import { STREAM_SECONDS, secondPieces } from './spans.ts';

export type Listener = { take(request: Request): Promise<void> };

/** Lets messages in that came meanwhile: a run of the model keeps the thread to itself. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Hears what is asked for with an encoder that hears `window` seconds at once, and sends what it says. A request of a new
 * sound ends the work on older ones. Problems are sent too, in one line; nothing is thrown.
 */
export function createListener(encoder: Encoder, window: number, send: (reply: Reply) => void): Listener {
  const normal = createNormalSounds();
  let current = 0;
  let stretches: Stretch[] = [];

  const begin = (sound: number): void => {
    if (sound === current) return;
    current = sound;
    stretches = [];
  };

  const hear = async (recording: Recording, sound: number, { start, end }: Span): Promise<void> => {
    const { vector, logits } = await encoder.embed(recording);
    if (sound !== current) return;
    const stretch = { sound, start, end, vector };
    stretches = [...stretches, stretch];
    const apart = normal.distanceOf(stretch);
    send({
      kind: 'heard',
      sound,
      heard: { start, end, ...(logits && { logits }), ...(apart !== undefined && { distance: apart }) },
    });
  };

  const hearFile = async ({ sound, bytes, name }: Extract<Request, { kind: 'file' }>): Promise<void> => {
    const recordings = await readRecordings(bytes, { name });
    // The first channel, as the command line takes.
    const [recording] = pickChannel(recordings[0], 0);
    checkFinite(recording);
    const seconds = duration(recording);
    const pieces = secondPieces(seconds, window);
    if (sound !== current) return;
    send({
      ...{ kind: 'opened', sound, name, seconds, sampleRate: recording.sampleRate },
      ...{ channels: recordings[0].channels.length, recordings: recordings.length },
      ...{ constant: isConstant(recording), pieces: pieces.length },
      picture: pictureSpectrogram(recording.channels[0], recording.sampleRate),
    });
    const from = performance.now();
    const whole = await encoder.embed(recording);
    const embedSeconds = (performance.now() - from) / 1000;
    if (sound !== current) return;
    send({ kind: 'whole', sound, ...(whole.logits && { logits: whole.logits }), embedSeconds });
    for (const { heard, ...second } of pieces) {
      await breathe();
      if (sound !== current) return;
      await hear(takePart(recording, { from: heard.start, to: heard.end, unit: 's' }), sound, second);
    }
  };

  const hearWindow = async (request: Extract<Request, { kind: 'window' }>): Promise<void> => {
    const { sound, samples, sampleRate, end } = request;
    stretches = stretches.filter((stretch) => stretch.end > end - STREAM_SECONDS);
    const recording = { channels: [samples], sampleRate, name: 'microphone' };
    await hear(recording, sound, { start: end - samples.length / sampleRate, end });
  };

  const tellNormal = (): void =>
    send({ kind: 'normal', ...normal.state(), distances: stretches.map((stretch) => normal.distanceOf(stretch)) });

  return {
    async take(request) {
      const sound = 'sound' in request ? request.sound : undefined;
      try {
        if (sound !== undefined) begin(sound);
        if (request.kind === 'file') await hearFile(request);
        if (request.kind === 'window') await hearWindow(request);
        if (request.kind === 'mark') normal.add(stretches);
        if (request.kind === 'forget') normal.clear();
        if (request.kind === 'mark' || request.kind === 'forget') tellNormal();
      } catch (error) {
        if (sound === undefined || sound === current) {
          send({ kind: 'failed', ...(sound !== undefined && { sound }), message: oneLine(error) });
        }
      }
    },
  };
}

/** What went wrong, for the reader of the page. */
export function oneLine(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  return error instanceof InputError ? message : `Something went wrong: ${message}`;
}
