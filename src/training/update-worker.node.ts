// The thread of update-threads.
import { parentPort } from 'node:worker_threads';
import { doUpdateWork, type UpdateWork } from './update-work.ts';

const port = parentPort;
if (!port) throw new Error('update-worker runs in a worker thread only');

port.on('message', (work: UpdateWork) => port.postMessage(doUpdateWork(work)));
