// What a thread of the pool answers: one task after the other, with encoders and detectors kept between them.
import { encoderFile } from '../../detection/encoder-place.node.ts';
import { type EmbedResult, embedOpened } from '../../encoders/embed-file.node.ts';
import { hearArchive } from './archive.node.ts';
import { describe, inspect, playable } from './describe.ts';
import { extendDetector, fitSounds, preparationFor } from './fit-sounds.ts';
import { hear, picture, preparationOf } from './hear.ts';
import { createPrepared } from './prepared.node.ts';
import { openSound } from './sound.node.ts';
import type { Answers, Task, ThreadSettings } from './tasks.ts';

/** A result, and the buffers in it that nobody here needs any more. */
export type Answer = { result: Answers[Task['kind']]; transfer: ArrayBufferLike[] };

/** Its vectors in memory that all threads see: nothing is copied on their way to the thread that fits. */
function inSharedMemory(result: EmbedResult): EmbedResult {
  const recordings = result.recordings.map((recording) => {
    const values = recording.segments.reduce((sum, { vector }) => sum + vector.length, 0);
    const shared = new Float32Array(new SharedArrayBuffer(4 * values));
    let at = 0;
    const segments = recording.segments.map(({ vector, ...segment }) => {
      shared.set(vector, at);
      at += vector.length;
      return { ...segment, vector: shared.subarray(at - vector.length, at) };
    });
    return { ...recording, segments };
  });
  return { ...result, recordings };
}

/** Tasks come one at a time. They reject with InputError for bad input. */
export function createAnswers(settings: ThreadSettings): (task: Task) => Promise<Answer> {
  const prepared = createPrepared(settings);
  async function embed({ sound, name, as }: Extract<Task, { kind: 'embed' }>): Promise<Answer> {
    const plan = 'plan' in as ? as.plan : undefined;
    const detector = 'detector' in as ? (await prepared.detector(as.detector)).detector : undefined;
    const encoder = detector ? await prepared.encoderFor(detector) : await prepared.encoder(plan?.encoder ?? '');
    const preparation = detector ? preparationOf(detector, true) : preparationFor(plan as NonNullable<typeof plan>);
    const result = await embedOpened(encoder, { path: name, preparation, detail: plan ? 'sums' : 'none' }, () =>
      openSound(sound, name),
    );
    return { result: inSharedMemory(result), transfer: [] };
  }

  return async (task) => {
    switch (task.kind) {
      case 'hear': {
        const known = await prepared.detector(task.detector);
        return {
          result: await hear(await openSound(task.sound), task, known, await prepared.encoderFor(known.detector)),
          transfer: [],
        };
      }
      case 'embed':
        return embed(task);
      case 'fit': {
        const { plan, results, labels } = task;
        const file = settings.anywhere ? encoderFile(plan.encoder, settings.folder) : undefined;
        const { id, fingerprint } = await prepared.encoder(plan.encoder);
        const encoder = { id, fingerprint, ...(file !== undefined && { file }) };
        const outcome = await fitSounds(plan, results, labels, encoder);
        return { result: outcome, transfer: [outcome.bytes.buffer, outcome.detector.bank.values.buffer] };
      }
      case 'extend': {
        const outcome = await extendDetector(await prepared.detector(task.detector), task.results, task.labels);
        return { result: outcome, transfer: [outcome.bytes.buffer, outcome.detector.bank.values.buffer] };
      }
      case 'picture': {
        const known = task.detector && (await prepared.detector(task.detector)).detector;
        const by = known && { detector: known, encoder: await prepared.encoderFor(known) };
        const shown = await picture(await openSound(task.sound), task.atSeconds, by);
        const { spectrogram, waveform, deviation } = shown;
        const arrays = [spectrogram.values, waveform.min, waveform.max, ...(deviation ? [deviation.values] : [])];
        return { result: shown, transfer: arrays.map(({ buffer }) => buffer) };
      }
      case 'inspect':
        return { result: inspect(await openSound(task.sound)), transfer: [] };
      case 'playable': {
        const wav = playable(await openSound(task.sound));
        return { result: wav, transfer: [wav.buffer] };
      }
      case 'archive': {
        const heard = await hearArchive(task, prepared);
        const vectors = 'embeddings' in heard ? heard.embeddings.map(({ vector }) => vector.buffer) : [];
        return { result: heard, transfer: vectors };
      }
      case 'describe': {
        const { detector } = await prepared.detector(task.detector);
        const described = await describe(detector, new Uint8Array(task.detector.bytes), task.change);
        return { result: described, transfer: [described.bytes.buffer] };
      }
    }
  };
}
