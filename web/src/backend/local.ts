// The backend without a server: everything happens in this browser, and is forgotten with the page.

import type { Answer, Call, LocalService } from '../local/messages.ts';
import { localEncoders } from '../local/names.ts';
import type { ApiEvent } from './api.ts';
import type { Backend } from './types.ts';

/** @throws nothing; a worker that cannot start rejects every call */
export function createLocalBackend(): Backend {
  const worker = new Worker(new URL('../local/worker.ts', import.meta.url), { type: 'module' });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners = new Set<(event: ApiEvent) => void>();
  let next = 0;
  let broken: Error | undefined;

  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.kind === 'event') {
      for (const listener of listeners) listener(data.event);
      return;
    }
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.kind === 'done') call?.resolve(data.value);
    else call?.reject(new Error(data.message));
  };
  worker.onerror = (event) => {
    broken = new Error(`The part of the page that hears could not be started: ${event.message ?? 'no reason given'}`);
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  };

  const call = <M extends keyof LocalService>(method: M, args: unknown[]): ReturnType<LocalService[M]> =>
    new Promise((resolve, reject) => {
      if (broken) return reject(broken);
      const id = next++;
      waiting.set(id, { resolve, reject });
      return worker.postMessage({ id, method, args } satisfies Call);
    }) as ReturnType<LocalService[M]>;
  const forward =
    <M extends keyof LocalService>(method: M) =>
    (...args: Parameters<LocalService[M]>): ReturnType<LocalService[M]> =>
      call(method, args);

  return {
    kind: 'local',
    encoders: localEncoders,
    machines: forward('machines'),
    putMachine: forward('putMachine'),
    scores: forward('scores'),
    recordingOf: forward('recordingOf'),
    async upload(machine, file, { startMs, score = true, onProgress, signal }) {
      signal?.throwIfAborted();
      const uploaded = await call('upload', [machine, file, { startMs, score }]);
      onProgress?.(1);
      return uploaded;
    },
    picture: forward('picture'),
    audio: forward('audio'),
    nearest: forward('nearest'),
    versions: forward('versions'),
    calibration: forward('calibration'),
    fit: forward('fit'),
    job: forward('job'),
    setThreshold: forward('setThreshold'),
    useVersion: forward('useVersion'),
    detectorFile: forward('detectorFile'),
    alarms: forward('alarms'),
    acknowledge: forward('acknowledge'),
    labels: forward('labels'),
    label: forward('label'),
    undoLabel: forward('undoLabel'),
    events(onEvent, onConnection) {
      listeners.add(onEvent);
      onConnection('live');
      return () => listeners.delete(onEvent);
    },
  };
}
