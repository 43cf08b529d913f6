// The backend behind HTTP: `thrum serve`.

import { pathOf } from '../file-path.ts';
import type { NearestPlace } from '../types.ts';
import type { ApiEvent, ApiMachineStatus, ApiPicture, ApiRecording } from './api.ts';
import { decodePicture } from './picture.ts';
import { type AskForKey, createRequester, RequestError } from './request.ts';
import { readEvents } from './sse.ts';
import type { Backend } from './types.ts';

/** The server sends something every 15 s; without it for so long, in milliseconds, the line is dead. */
const SILENCE_MS = 45_000;
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 30_000];
/** A window of a stream begins at most so long after its recording did. */
const LONGEST_RECORDING_MS = 24 * 3600 * 1000;

/** Machines in one answer. */
const MACHINES = 500;

const KINDS = new Set(['score', 'alarm', 'job', 'machine', 'stream']);

const query = (values: Record<string, string | number | boolean | undefined>): string => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
};
const part = encodeURIComponent;
const body = (method: string, value: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** @param base address of the API, with a slash at its end */
export function createServerBackend(base: URL, askForKey: AskForKey): Backend {
  const { raw, json, send } = createRequester(base, askForKey);

  const listen = async (signal: AbortSignal, onEvent: (event: ApiEvent) => void, onLive: () => void): Promise<void> => {
    const line = new AbortController();
    const stop = () => line.abort();
    signal.addEventListener('abort', stop, { once: true });
    let watch = setTimeout(stop, SILENCE_MS);
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE_MS);
    };
    try {
      const response = await raw('events', { headers: { accept: 'text/event-stream' }, signal: line.signal }, true);
      if (!response.body) throw new RequestError('The server sends no events.', response.status);
      onLive();
      for await (const { event, data } of readEvents(response.body, alive)) {
        if (KINDS.has(event)) onEvent({ type: event, data: JSON.parse(data) } as ApiEvent);
      }
    } finally {
      clearTimeout(watch);
      signal.removeEventListener('abort', stop);
    }
  };

  return {
    kind: 'server',
    encoders: ['thrum-1', 'spectral-shape-10ms', 'spectral'],
    async machines() {
      const all: ApiMachineStatus[] = [];
      for (;;) {
        const page = await json<ApiMachineStatus[]>(`machines${query({ after: all.at(-1)?.name, limit: MACHINES })}`);
        all.push(...page);
        if (page.length < MACHINES) return all;
      }
    },
    putMachine: (name, request) => json(`machines/${part(name)}`, body('PUT', request)),
    scores: (machine, range) => json(`machines/${part(machine)}/scores${query({ ...range })}`),
    async recordingOf({ machine, hash, startMs }) {
      const find = async (fromMs: number, toMs: number) => {
        const limit = 1000;
        const found = await json<ApiRecording[]>(
          `machines/${part(machine)}/recordings${query({ fromMs, toMs, limit })}`,
        );
        return found.find((recording) => recording.hash === hash);
      };
      return (await find(startMs, startMs + 1)) ?? find(startMs - LONGEST_RECORDING_MS, startMs + 1);
    },
    upload(machine, file, { startMs, score = true, ...options }) {
      const name = pathOf(file);
      return send(
        `machines/${part(machine)}/recordings${query({ name, startMs, score: score ? undefined : false })}`,
        file,
        options,
      );
    },
    async picture(machine, hash, at) {
      return decodePicture(
        await json<ApiPicture>(`machines/${part(machine)}/recordings/${hash}/picture${query({ at })}`),
      );
    },
    async audio(machine, hash) {
      return (await raw(`machines/${part(machine)}/recordings/${hash}/audio`)).blob();
    },
    async nearest(detector, { file, startSeconds }) {
      try {
        return await json<NearestPlace>(`detectors/${part(detector)}/nearest${query({ file, startSeconds })}`);
      } catch (error) {
        if (error instanceof RequestError && error.status === 404) return undefined;
        throw error;
      }
    },
    versions: (detector) => json(`detectors/${part(detector)}/versions`),
    calibration: (detector) => json(`detectors/${part(detector)}/calibration`),
    fit: (detector, request) => json(`detectors/${part(detector)}/fit`, body('POST', request)),
    job: (id) => json(`jobs/${part(id)}`),
    setThreshold: (detector, change) => json(`detectors/${part(detector)}/threshold`, body('PUT', change)),
    useVersion: (detector, version) => json(`detectors/${part(detector)}/use`, body('POST', { version })),
    async detectorFile(detector, version) {
      return (await raw(`detectors/${part(detector)}/file${query({ version })}`)).blob();
    },
    alarms: (filter) => json(`alarms${query({ ...filter, limit: 500 })}`),
    acknowledge: (id) => json(`alarms/${id}/acknowledge`, { method: 'POST' }),
    labels: (machine) => json(`labels${query({ machine })}`),
    label: (request) => json('labels', body('POST', request)),
    undoLabel: (id) => json(`labels/${id}/undo`, { method: 'POST' }),
    events(onEvent, onConnection) {
      const control = new AbortController();
      let wait = FIRST_WAIT_MS;
      const run = async (): Promise<void> => {
        while (!control.signal.aborted) {
          onConnection('connecting');
          await listen(control.signal, onEvent, () => {
            wait = FIRST_WAIT_MS;
            onConnection('live');
          }).catch(() => {});
          if (control.signal.aborted) return;
          onConnection('lost');
          // Not all pages of a plant at once.
          await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
          wait = Math.min(2 * wait, LONGEST_WAIT_MS);
        }
      };
      void run();
      return () => control.abort();
    },
  };
}
