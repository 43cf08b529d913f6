// The worker thread of embed-pool: one encoder, one file after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../signal/errors.ts';
import { embedFile } from './embed-file.node.ts';
import type { WorkerReply, WorkerRequest } from './embed-pool.node.ts';
import { type EncoderSpec, loadEncoder } from './load.node.ts';

const port = parentPort;
if (!port) throw new Error('embed-worker runs in a worker thread only');

const encoder = loadEncoder((workerData as { spec: EncoderSpec }).spec);

/** Buffers that can change hands instead of being copied. */
const buffersOf = (reply: WorkerReply): ArrayBuffer[] =>
  'result' in reply
    ? reply.result.recordings.flatMap(({ segments }) => segments.map(({ vector }) => vector.buffer as ArrayBuffer))
    : [];

port.on('message', async ({ id, job }: WorkerRequest) => {
  let reply: WorkerReply;
  try {
    reply = { id, result: await embedFile(await encoder, job) };
  } catch (error) {
    const badInput = error instanceof InputError;
    const message =
      error instanceof Error ? (badInput ? error.message : (error.stack ?? error.message)) : String(error);
    reply = { id, error: message, badInput };
  }
  port.postMessage(reply, [...new Set(buffersOf(reply))]);
});
