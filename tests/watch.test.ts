// thrum watch as a user runs it: a folder, a pipe, a broker; alarms, JSON, Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectAsync } from 'mqtt';
import { beforeAll, describe, expect, it } from 'vitest';
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
