// The worker thread of clip-pool: clips by their number.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../signal/errors.ts';
import type { ClipReply, ClipRequest } from './clip-pool.node.ts';
import { createMaker, type Job, type Jobs } from './makers.node.ts';

const port = parentPort;
if (!port) throw new Error('clip-worker runs in a worker thread only');

const make = createMaker(workerData as Job);

port.on('message', async ({ n }: ClipRequest) => {
  try {
    const made = await make(n);
    port.postMessage({ n, made } satisfies ClipReply<Jobs[keyof Jobs]['clip']>, [
      made.clip.samples.buffer as ArrayBuffer,
    ]);
  } catch (error) {
    const badInput = error instanceof InputError;
    const message =
      error instanceof Error ? (badInput ? error.message : (error.stack ?? error.message)) : String(error);
    port.postMessage({ n, error: message, badInput } satisfies ClipReply<never>);
  }
});
