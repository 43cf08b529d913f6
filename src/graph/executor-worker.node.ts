// The thread of executor: one program, run after run.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../signal/errors.ts';
import { type ExecutorData, type ExecutorReply, type ExecutorRequest, LOADED } from './executor.node.ts';
import { loadProgram } from './program.node.ts';

const port = parentPort;
if (!port) throw new Error('executor-worker runs in a worker thread only');

const { model, options } = workerData as ExecutorData;

const failure = (id: number, error: unknown): ExecutorReply => ({
  id,
  error: error instanceof Error ? error.message : String(error),
  badInput: error instanceof InputError,
});

try {
  const program = await loadProgram(model, options);
  port.on('message', async ({ id, feeds, into }: ExecutorRequest) => {
    try {
      const outputs = await program.run(feeds, into);
      const buffers = new Set(Object.values(outputs).map(({ data }) => data.buffer as ArrayBuffer));
      port.postMessage({ id, outputs } satisfies ExecutorReply, [...buffers]);
    } catch (error) {
      port.postMessage(failure(id, error));
    }
  });
  port.postMessage({ id: LOADED, outputs: {} } satisfies ExecutorReply);
} catch (error) {
  port.postMessage(failure(LOADED, error));
}
