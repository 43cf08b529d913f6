// thrum watch as a user runs it: a folder, a pipe, a broker; alarms, JSON, Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { connectAsync } from 'mqtt';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hasNatsServer, startMqttBroker, throughNats } from './nats-server.ts';
import {
  hum,
  jsonLines,
  mainScript,
  output,
  refusal,
  scratchFolder,
  thrum,
  writeHums,
  writeRecording,
} from './run-cli.ts';

const { folder, at } = scratchFolder();
const detector = at('pump.thrum');
const watching = (source: string, ...more: string[]): string[] => ['watch', source, '--detector', detector, ...more];
const quick = ['--once', '--settle', '0.1', '--workers', '1'];

beforeAll(() => {
  writeHums(at('normal'), 24);
  output(thrum(['fit', at('normal'), '--out', detector, '--encoder', 'spectral-shape-10ms']));
});

type Line = {
  type: string;
  machine: string;
  score?: number;
  anomalous?: boolean;
  kind?: string;
  change?: string;
  text?: string;
};

describe('thrum watch', () => {
  it('hears a folder once: scores, an alarm, damaged files, and nothing again', () => {
    writeHums(at('plant/good'), 3, 50);
    writeHums(at('plant/bad'), 4, 60, 1900);
    writeFileSync(at('plant/good/cut.wav'), readFileSync(at('plant/good/hum00.wav')).subarray(0, 3000));
    const lines = jsonLines<Line>(thrum([...watching(at('plant'), ...quick), '--json']), 1);
    const scores = lines.filter(({ type }) => type === 'score');
    expect(scores).toHaveLength(7);
    for (const { machine, anomalous } of scores) expect(anomalous).toBe(machine === 'bad');
    expect(lines.filter(({ type }) => type === 'alarm')).toMatchObject([{ machine: 'bad', change: 'raised' }]);
    expect(lines.filter(({ type }) => type === 'event')).toMatchObject([{ machine: 'good', kind: 'trouble' }]);
    expect(output(thrum(watching(at('plant'), ...quick)))).toBe('');
  });

  it('hears raw samples and WAV files on standard input in windows', () => {
    const samples = Float32Array.from([...hum(2, 8000, 3), ...hum(2, 8000, 4, 1900)]);
    const options = { encoding: 'utf8', input: Buffer.from(samples.buffer) } as const;
    const args = watching(
      '-',
      '--format',
      'f32le',
      '--rate',
      '8k',
      '--window',
      '0.5',
      '--workers',
      '1',
      '--name',
      'mic',
    );
    const raw = spawnSync(process.execPath, [mainScript, ...args, '--json'], options);
    const lines = raw.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const verdicts = lines.flatMap(({ type, machine, anomalous }) =>
      type === 'score' ? [`${machine} ${anomalous}`] : [],
    );
    expect(verdicts).toEqual([...Array(4).fill('mic false'), ...Array(4).fill('mic true')]);
    writeRecording(at('one.wav'), [samples]);
    const input = readFileSync(at('one.wav'));
    input.fill(0xff, 4, 8);
    const wav = spawnSync(process.execPath, [mainScript, ...watching('-', '--window', '0.5', '--workers', '1')], {
      encoding: 'utf8',
      input,
    });
    expect(wav.stdout.match(/● normal/g)).toHaveLength(4);
    expect(wav.stdout.match(/▲ not normal/g)).toHaveLength(4);
    expect(wav.stdout).toMatch(/ALARM fault: /);
    expect(wav.status).toBe(0);
  });

  it('posts alarms to a webhook', async () => {
    const posted: string[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (chunk) => posted.push(chunk));
      request.on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    writeHums(at('hook/p9'), 4, 60, 1900);
    const { port } = server.address() as AddressInfo;
    const child = spawn(process.execPath, [
      mainScript,
      ...watching(at('hook'), ...quick, '--webhook', `http://127.0.0.1:${port}/alarms`),
    ]);
    expect(await once(child, 'close')).toEqual([0, null]);
    server.close();
    expect(posted.map((body) => JSON.parse(body))).toMatchObject([{ machine: 'p9', kind: 'fault', change: 'raised' }]);
  });

  it('goes on with its alarms after kill -9, and tells nothing twice', async () => {
    const posted: { change: string; id: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        posted.push(JSON.parse(body));
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const hook = ['--webhook', `http://127.0.0.1:${port}/`];
    mkdirSync(at('killed/p7'), { recursive: true });
    /** The minutes of the names are the times. */
    let minute = 0;
    const add = (hz?: number): void => {
      const name = `2026-11-30T12-${String(minute).padStart(2, '0')}-00.wav`;
      writeRecording(at('killed/p7', name), [hum(0.5, 8000, 60 + minute++, hz)]);
    };
    /** Listens to files, one at a time, and dies by SIGKILL; what it printed. */
    const listen = async (hums: readonly (number | undefined)[]): Promise<Line[]> => {
      const child = spawn(process.execPath, [
        mainScript,
        ...watching(at('killed'), '--settle', '0.1', '--workers', '1', '--json', ...hook),
      ]);
      const lines: Line[] = [];
      const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      for (const hz of hums) {
        add(hz);
        for (let line: Line | undefined; line?.type !== 'score'; lines.push(line)) {
          const { value, done } = await reader.next();
          if (done) throw new Error('thrum watch ended by itself');
          line = JSON.parse(value) as Line;
        }
        // Its file stands in the ledger after all that it changed.
        await vi.waitUntil(() => readFileSync(at('killed/.thrum-ledger'), 'utf8').split('\n').length === minute + 2, {
          timeout: 60_000,
        });
      }
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
      for await (const line of reader) lines.push(JSON.parse(line) as Line);
      return lines;
    };
    const alarms: Line[] = [];
    // Three scores over the threshold raise; the fourth must not again; four calm ones clear.
    for (const hums of [[1900], [1900, 1900], [1900, undefined, undefined], [undefined, undefined]]) {
      alarms.push(...(await listen(hums)).filter(({ type }) => type === 'alarm'));
    }
    const last = spawn(process.execPath, [mainScript, ...watching(at('killed'), ...quick, ...hook)]);
    expect(await once(last, 'close')).toEqual([0, null]);
    expect(alarms).toMatchObject([{ change: 'raised' }, { change: 'cleared' }]);
    // What a kill left undelivered comes later, under the same identity.
    const told = new Map(posted.map(({ id, change }) => [id, change]));
    expect([...told.values()]).toEqual(['raised', 'cleared']);
    server.close();
  }, 600_000);

  it('is made of parts that the guide puts together', () => {
    const guide = readFileSync(join(import.meta.dirname, '../docs/watching.md'), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    const library = pathToFileURL(join(import.meta.dirname, '../dist/index.js')).href;
    writeHums(at('own/hall/p3'), 3, 60, 1900);
    writeFileSync(at('own/pump.thrum'), readFileSync(detector));
    writeFileSync(at('own/own.mjs'), code.replace("'thrum'", JSON.stringify(library)));
    const run = () => spawnSync(process.execPath, ['own.mjs'], { cwd: at('own'), encoding: 'utf8' });
    expect(run()).toMatchObject({ stdout: 'p3: fault raised\n3 heard, 3 not normal\n', stderr: '', status: 0 });
    expect(run()).toMatchObject({ stdout: '0 heard, 0 not normal\n', stderr: '', status: 0 });
  });

  it('ends cleanly on Ctrl-C', async () => {
    writeHums(at('live/pump'), 1, 70);
    const child = spawn(process.execPath, [mainScript, ...watching(at('live'), '--settle', '0.1', '--workers', '1')]);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const ended = once(child, 'close');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(said).toContain('1 heard, 0 not normal');
  });

  it.each([
    [2, ['watch'], 'expected one source'],
    [2, ['watch', folder], 'expected --detector'],
    [1, ['watch', 'nowhere', '--detector', detector], 'expected a folder'],
    [2, ['watch', '-', '--detector', detector, '--format', 's16le'], '--rate'],
    [2, ['watch', '-', '--detector', detector, '--k', '9'], 'expected at most --n 4'],
    [2, ['watch', 'http://me:secret@host/x', '--detector', detector], 'expected a folder, -'],
    [1, ['watch', 'mqtt://me:secret@127.0.0.1:9/x', '--detector', detector], 'cannot listen at mqtt://127.0.0.1:9/x'],
  ] as const)('ends with %d for %j', (status, args, message) => {
    const line = refusal(thrum([...args]), status);
    expect(line).toContain(message);
    expect(line).not.toContain('secret');
  });
});

describe.skipIf(!hasNatsServer)(throughNats('thrum watch of MQTT'), () => {
  it('hears what is sent', async () => {
    writeHums(at('broker'), 1);
    const broker = await startMqttBroker(at('broker'));
    const url = `mqtt://127.0.0.1:${broker.mqttPort}`;
    const child = spawn(process.execPath, [
      mainScript,
      ...watching(`${url}/plants/{machine}/audio`, '--json', '--workers', '1'),
    ]);
    const ended = once(child, 'close');
    try {
      await once(child.stderr, 'data');
      const client = await connectAsync(url);
      await client.publishAsync('plants/p7/audio', readFileSync(at('broker/hum00.wav')), { qos: 1 });
      const [text] = await once(child.stdout, 'data');
      expect(JSON.parse(String(text))).toMatchObject({ type: 'score', machine: 'p7', anomalous: false });
      await client.endAsync();
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await broker.stop();
    }
  });
});
