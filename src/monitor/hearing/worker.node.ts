// A thread of the hearing pool.
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../signal/errors.ts';
import { createAnswers } from './answers.node.ts';
import type { Task, ThreadSettings } from './tasks.ts';
import type { PING, ThreadReply } from './threads.node.ts';

const port = parentPort;
if (!port) throw new Error('the worker of hearing runs in a worker thread only');

/** By so much less urgent than those who answer requests. */
const LESS_URGENT = 5;
// Only on Linux is a priority that of the thread which asks for it; elsewhere the whole process would have it.
if (process.platform === 'linux') setPriority(Math.min(19, getPriority() + LESS_URGENT));

const answer = createAnswers(workerData as ThreadSettings);

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
