// The page's worker: ONNX Runtime and the encoder, away from the thread that draws. Bundled into one classic script.
import './plain-schemas.ts';
import { env } from 'onnxruntime-web';
import { encoderFromBytes } from './encoder-bytes.ts';
import { createListener, type Listener, oneLine } from './listener.ts';
import type { Reply, Request } from './messages.ts';
import { windowSeconds } from './spans.ts';

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(reply: Reply): void;
};
const send = (reply: Reply): void => scope.postMessage(reply);

async function start({ runtime, weights, name }: Extract<Request, { kind: 'start' }>): Promise<Listener> {
  // More threads would need a page that is isolated from other origins, which a file is not.
  env.wasm.numThreads = 1;
  env.wasm.wasmBinary = runtime;
  const { encoder, config } = await encoderFromBytes(weights, name);
  const window = windowSeconds(config);
  send({ kind: 'ready', ...(encoder.labels && { labels: encoder.labels }), windowSeconds: window });
  return createListener(encoder, window, send);
}

let listener: Promise<Listener> | undefined;

scope.onmessage = async ({ data }) => {
  try {
    if (data.kind === 'start') listener = start(data);
    const ready = await listener;
    if (data.kind !== 'start') await ready?.take(data);
  } catch (error) {
    send({ kind: 'failed', message: oneLine(error) });
  }
};
