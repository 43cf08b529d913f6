// The worker of the static page: the library and ONNX Runtime, away from the thread that draws.
import '../../../src/report/model-page/plain-schemas.ts';
import { env } from 'onnxruntime-web';
import runtime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import fusion from '../../../models/thrum-1.json' with { type: 'json' };
import ear from '../../../models/thrum-ear.safetensors?url';
import { oneLine } from '../../../src/report/model-page/listener.ts';
import { createEncoders } from './encoders.ts';
import type { Answer, Call } from './messages.ts';
import { createLocalService } from './service.ts';

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Call>) => void) | null;
  postMessage(answer: Answer): void;
};

// More threads would need a page that is isolated from other origins, which most hosts do not offer.
env.wasm.numThreads = 1;
env.wasm.wasmPaths = { wasm: new URL(runtime, import.meta.url).href };

const encoders = createEncoders(fusion, async () => {
  const response = await fetch(new URL(ear, import.meta.url));
  if (!response.ok) throw new Error(`the weights of thrum-1 could not be fetched (status ${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
});
const service = createLocalService(encoders, (event) => scope.postMessage({ kind: 'event', event }));

/** One after the other: memory stays that of one recording, and answers come in the order of the questions. */
let last: Promise<void> = Promise.resolve();

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    const run = service[method] as (...given: unknown[]) => Promise<unknown>;
    scope.postMessage({ kind: 'done', id, value: await run(...args) });
  } catch (error) {
    scope.postMessage({ kind: 'failed', id, message: oneLine(error) });
  }
}

scope.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};
