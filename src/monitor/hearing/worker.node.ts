// A thread of the hearing pool: one task after the other, with encoders and detectors kept between them.
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { encoderFile } from '../../detection/encoder-place.node.ts';
import { embedOpened } from '../../encoders/embed-file.node.ts';
import { InputError } from '../../signal/errors.ts';
import { hearArchive } from './archive.node.ts';
import { describe, inspect, playable } from './describe.ts';
import { extendDetector, fitSounds, preparationFor } from './fit-sounds.ts';
import { hear, picture, preparationOf } from './hear.ts';
import { createPrepared } from './prepared.node.ts';
import { openSound } from './sound.node.ts';
import type { Answers, Task, ThreadSettings } from './tasks.ts';
import type { PING, ThreadReply } from './threads.node.ts';

const port = parentPort;
if (!port) throw new Error('the worker of hearing runs in a worker thread only');

/** By so much less urgent than those who answer requests. */
const LESS_URGENT = 5;
// Only on Linux is a priority that of the thread which asks for it; elsewhere the whole process would have it.
if (process.platform === 'linux') setPriority(Math.min(19, getPriority() + LESS_URGENT));

const settings = workerData as ThreadSettings;
const prepared = createPrepared(settings);

/** A result, and the buffers in it that nobody here needs any more. */
type Answer = { result: Answers[Task['kind']]; transfer: ArrayBufferLike[] };

async function embed({ sound, name, as }: Extract<Task, { kind: 'embed' }>): Promise<Answer> {
  const plan = 'plan' in as ? as.plan : undefined;
  const detector = 'detector' in as ? (await prepared.detector(as.detector)).detector : undefined;
  const encoder = detector ? await prepared.encoderFor(detector) : await prepared.encoder(plan?.encoder ?? '');
  const preparation = detector ? preparationOf(detector, true) : preparationFor(plan as NonNullable<typeof plan>);
  const result = await embedOpened(encoder, { path: name, preparation, detail: plan ? 'sums' : 'none' }, () =>
    openSound(sound, name),
  );
  return { result, transfer: result.recordings.flatMap(({ segments }) => segments.map(({ vector }) => vector.buffer)) };
}

async function answer(task: Task): Promise<Answer> {
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
      return { result: outcome, transfer: [outcome.bytes.buffer] };
    }
    case 'extend': {
      const outcome = await extendDetector(await prepared.detector(task.detector), task.results, task.labels);
      return { result: outcome, transfer: [outcome.bytes.buffer] };
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
}

port.on('message', async (task: Task | typeof PING) => {
  if ('ping' in task) return port.postMessage({ result: undefined } satisfies ThreadReply);
  try {
    const { result, transfer } = await answer(task);
    port.postMessage({ result } satisfies ThreadReply, [...new Set(transfer as ArrayBuffer[])]);
  } catch (error) {
    const badInput = error instanceof InputError;
    const message =
      error instanceof Error ? (badInput ? error.message : (error.stack ?? error.message)) : String(error);
    port.postMessage({ error: message, badInput } satisfies ThreadReply);
  }
});
port.postMessage({ ready: true } satisfies ThreadReply);
