// A server for the page's tests: the API over the static page's own service, the page itself, and the policy it must keep.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { createSpectral, spectralSettings } from '../src/encoders/spectral.ts';
import type { MomentPicture } from '../src/monitor/hearing/types.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import type { ApiEvent } from '../web/src/backend/api.ts';
import { createLocalService } from '../web/src/local/service.ts';

export const pageFolder = join(import.meta.dirname, '../dist/web-app');

const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'";

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const base64 = (values: Uint8Array | Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

const pictureJson = ({ spectrogram, waveform, deviation, ...rest }: MomentPicture) => ({
  ...rest,
  spectrogram: { ...spectrogram, values: base64(spectrogram.values) },
  waveform: { min: base64(waveform.min), max: base64(waveform.max), unit: waveform.unit },
  ...(deviation && { deviation: { ...deviation, values: base64(deviation.values) } }),
});

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

/** A page's files, as any web host gives them. */
export function givePage(path: string, response: ServerResponse, headers: Record<string, string> = {}): void {
  const file = join(pageFolder, path === '/' ? 'index.html' : path);
  if (!file.startsWith(pageFolder) || !existsSync(file)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
    return;
  }
  const type = types[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type, ...headers }).end(readFileSync(file));
}

export type PageServer = {
  address: string;
  /** Everyone who listens hears it. */
  send(event: ApiEvent): void;
  /** Ends all event streams, as a restart would. */
  hangUp(): void;
  service: ReturnType<typeof createLocalService>;
  close(): void;
};

/** @param key what requests must carry, if any */
export async function startPageServer(key?: string): Promise<PageServer> {
  const listeners = new Set<ServerResponse>();
  const send = (event: ApiEvent): void => {
    for (const one of listeners) one.write(`event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`);
  };
  const service = createLocalService(
    async () => createSpectral('spectral', spectralSettings.spectral),
    (event) => send(event),
  );

  const answer = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<unknown> => {
    const [kind, name = '', what, hash, more] = url.pathname.slice('/api/'.length).split('/').map(decodeURIComponent);
    const route = `${request.method} ${kind}${what ? `/${what}` : ''}${more ? `/${more}` : ''}`;
    const given = async <T>(): Promise<T> => JSON.parse((await bodyOf(request)).toString() || '{}');
    const number = (field: string): number | undefined =>
      url.searchParams.has(field) ? Number(url.searchParams.get(field)) : undefined;
    const range = { fromMs: number('fromMs'), toMs: number('toMs'), limit: number('limit') };
    switch (route) {
      case 'GET machines':
        return service.machines();
      case 'PUT machines':
        return service.putMachine(name, await given());
      case 'POST machines/recordings': {
        const file = new File([Uint8Array.from(await bodyOf(request))], url.searchParams.get('name') ?? 'file');
        const score = url.searchParams.get('score') !== 'false';
        return service.upload(name, file, { startMs: number('startMs') ?? 0, score });
      }
      case 'GET machines/recordings': {
        const scores = await service.scores(name, {});
        const all = await Promise.all(scores.map((score) => service.recordingOf(score)));
        return all.filter((one) => one && one.startMs >= (range.fromMs ?? 0) && one.startMs < (range.toMs ?? 1e15));
      }
      case 'GET machines/recordings/picture':
        return pictureJson(await service.picture(name, hash, number('at') ?? 0));
      case 'GET machines/recordings/audio':
        response.setHeader('content-type', 'audio/wav');
        return Buffer.from(await (await service.audio(name, hash)).arrayBuffer());
      case 'GET machines/scores':
        return service.scores(name, range);
      case 'GET detectors/versions':
        return service.versions(name);
      case 'GET detectors/calibration':
        return service.calibration(name);
      case 'GET detectors/file':
        return Buffer.from(await (await service.detectorFile(name, number('version'))).arrayBuffer());
      case 'GET detectors/nearest':
        return service.nearest(name, {
          file: url.searchParams.get('file') ?? '',
          startSeconds: number('startSeconds') ?? 0,
        });
      case 'POST detectors/fit':
        return service.fit(name, await given());
      case 'PUT detectors/threshold':
        return service.setThreshold(name, await given());
      case 'POST detectors/use':
        return service.useVersion(name, (await given<{ version: number }>()).version);
      case 'GET jobs':
        return service.job(name);
      case 'GET alarms': {
        const machine = url.searchParams.get('machine') ?? undefined;
        return service.alarms({ machine, ...(url.searchParams.has('open') && { open: true }) });
      }
      case 'POST alarms/acknowledge':
        return service.acknowledge(Number(name));
      case 'GET labels':
        return service.labels(url.searchParams.get('machine') ?? '');
      case 'POST labels':
        return service.label(await given());
      case 'POST labels/undo':
        return service.undoLabel(Number(name));
      default:
        return undefined;
    }
  };

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"give a key","requestId":"1"}');
      return;
    }
    if (url.pathname === '/api/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write(':\n\n');
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
      return;
    }
    try {
      const value = await answer(request, response, url);
      if (value === undefined) response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"none"}');
      else if (Buffer.isBuffer(value)) response.end(value);
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    } catch (error) {
      const body = JSON.stringify({ error: (error as Error).message, requestId: '1' });
      response.writeHead(422, { 'content-type': 'application/json' }).end(body);
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname.startsWith('/api/')) void api(request, response, url);
    else givePage(url.pathname, response, { 'content-security-policy': POLICY });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    send,
    hangUp() {
      for (const one of listeners) one.destroy();
    },
    service,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A second of a machine: two tones and noise; `fault` adds a whine of its own in the second half. */
export function soundOf(seed: number, { fault = false, sampleRate = 8000 } = {}): Uint8Array {
  let state = seed * 7919 + 1;
  const noise = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  const samples = Float32Array.from({ length: sampleRate }, (_, i) => {
    const t = i / sampleRate;
    const hum = 0.2 * Math.sin(2 * Math.PI * 120 * t) + 0.1 * Math.sin(2 * Math.PI * 713 * t + seed);
    const whine = fault && t > 0.5 ? 0.15 * Math.sin(2 * Math.PI * 2450 * t) : 0;
    return hum + whine + 0.1 * noise();
  });
  return writeWav({ channels: [samples], sampleRate, name: 'sound' }, { bits: 16 });
}

/** `2026-03-01_HHMM` of the n-th recording, one every ten minutes. */
export const nameOf = (n: number): string => {
  const minutes = 10 * n;
  const part = (value: number): string => String(value).padStart(2, '0');
  return `pump_2026-03-01_${part(Math.floor(minutes / 60))}-${part(minutes % 60)}.wav`;
};
