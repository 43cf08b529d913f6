import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDetector } from '../detection/detector-file.ts';
import { createScorer } from '../detection/score.ts';
import { embedRecording } from '../encoders/embed-recording.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import { playable } from '../monitor/hearing/describe.ts';
import { readRecordings } from '../signal/readers/index.ts';
import { writeNpy } from '../signal/readers/npy-write.ts';
import type {
  ApiAlarm,
  ApiDetector,
  ApiJob,
  ApiLabel,
  ApiMachineStatus,
  ApiPicture,
  ApiRecording,
  ApiScore,
  ApiUploaded,
} from './schemas.ts';
import { ask, hum, type Service, startService } from './service.test-util.ts';

let service: Service;
const told: string[] = [];
const at = (path: string): string => `${service.url}/api/${path}`;
beforeAll(async () => {
  service = await startService({ onAlarm: ({ kind, change }) => told.push(`${kind} ${change}`) });
});
afterAll(() => service.close());

const upload = (seed: number, hz?: number, query = '') =>
  ask<ApiUploaded>(
    at(`machines/pump-7/recordings?name=hum${seed}.wav&startMs=${1_700_000_000_000 + seed * 1000}${query}`),
    {
      method: 'POST',
      bytes: hum(seed, hz),
    },
  );

const finished = async (job: ApiJob): Promise<ApiJob> => {
  for (;;) {
    const { body } = await ask<ApiJob>(at(`jobs/${job.id}`));
    if (body.state === 'done' || body.state === 'failed') return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Reads events until one is `wanted`. */
async function until(response: Response, wanted: (type: string, data: unknown) => boolean): Promise<unknown> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error('the stream ended');
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      if (type === undefined || !wanted(type, JSON.parse(data))) continue;
      await reader.cancel();
      return JSON.parse(data);
    }
  }
}

describe('from a folder of recordings to an alarm', () => {
  it('keeps recordings of a machine that nobody has told it of', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { status, body } = await upload(seed);
      expect(status, JSON.stringify(body)).toBe(201);
      expect(body).toMatchObject({ known: false, scores: [], recording: { name: `hum${seed}.wav`, audio: true } });
      expect(body.recording.durationSeconds).toBeCloseTo(0.5, 9);
    }
    const again = await upload(3);
    expect(again.status).toBe(200);
    expect(again.body.known).toBe(true);
    const { body: machines } = await ask<ApiMachineStatus[]>(at('machines'));
    expect(machines).toMatchObject([{ name: 'pump-7', health: 'unfitted', recordings: 12, openAlarms: 0 }]);
  });

  it('fits a detector to them', async () => {
    const { status, body } = await ask<ApiJob>(at('detectors/pump/fit'), {
      method: 'POST',
      json: { machine: 'pump-7', encoder: 'spectral' },
    });
    expect(status).toBe(202);
    const job = await finished(body);
    expect(job).toMatchObject({ state: 'done', done: 12, total: 12, failures: [] });
    expect(job.detector).toMatchObject({ name: 'pump', version: 1, segments: 12, current: true, origin: 'fitted' });
    const { body: machine } = await ask<ApiMachineStatus>(at('machines/pump-7'));
    expect(machine.detector).toBe('pump');
  });

  it('scores them too, marked as what it has learned, and raises no alarm on the past', async () => {
    const scores = async () => (await ask<ApiScore[]>(at('machines/pump-7/scores'))).body;
    await expect.poll(async () => (await scores()).length, { timeout: 60_000 }).toBe(12);
    for (const { learned, version, score, nearest } of await scores()) {
      expect(learned).toBe(true);
      expect(version).toBe(1);
      // Compared with the others, not with itself.
      expect(score).toBeGreaterThan(0.01);
      expect(nearest.file).toMatch(/^hum\d+\.wav$/);
    }
    expect((await ask<ApiAlarm[]>(at('alarms'))).body).toEqual([]);
  });

  it('scores what comes, and raises an alarm that listeners hear of', async () => {
    await ask(at('machines/pump-7'), { method: 'PUT', json: { policy: { k: 2, n: 3 } } });
    const events = await fetch(at('events'));
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    const alarm = until(events, (type) => type === 'alarm') as Promise<ApiAlarm>;
    const normal = await upload(20);
    expect(normal.body.scores).toHaveLength(1);
    expect(normal.body.scores[0]).toMatchObject({ anomalous: false, detector: 'pump', version: 1, index: 0 });
    for (const seed of [21, 22]) {
      const { body } = await upload(seed, 900);
      expect(body.scores[0].anomalous).toBe(true);
    }
    expect(await alarm).toMatchObject({ machine: 'pump-7', kind: 'fault', reason: { above: 2 } });
    expect(told).toEqual(['fault raised']);
    const { body: status } = await ask<ApiMachineStatus>(at('machines/pump-7'));
    expect(status).toMatchObject({ health: 'fault', openAlarms: 1 });
    const { body: open } = await ask<ApiAlarm[]>(at('alarms?open=true&machine=pump-7'));
    expect(open).toHaveLength(1);
    const { body: seen } = await ask<ApiAlarm>(at(`alarms/${open[0].id}/acknowledge`), { method: 'POST' });
    expect(seen).toMatchObject({ id: open[0].id, acknowledgedBy: 'local' });
  });

  it('gives the detector away, and it scores as the service does', async () => {
    const file = await fetch(at('detectors/pump/file'));
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="pump-1.thrum"');
    const detector = await readDetector(new Uint8Array(await file.arrayBuffer()), 'pump');
    const encoder = await loadEncoder({ encoder: 'spectral' });
    const { body: all } = await ask<ApiScore[]>(at('machines/pump-7/scores'));
    const scores = all.filter(({ learned }) => !learned);
    expect(scores.map(({ anomalous }) => anomalous)).toEqual([false, true, true]);
    for (const [i, seed] of [20, 21, 22].entries()) {
      const [recording] = await readRecordings(hum(seed, seed === 20 ? 300 : 900));
      const { segments } = await embedRecording(encoder, recording, detector.signal);
      const verdict = await createScorer(detector).score(segments.map(({ vector }) => vector));
      expect(scores[i].score).toBe(verdict.score);
      expect(scores[i].pValue).toBe(verdict.pValue);
    }
    await encoder.release();
  });

  it('scores without keeping', async () => {
    const { body } = await ask<ApiScore[]>(at('score?detector=pump&name=x.wav'), {
      method: 'POST',
      bytes: hum(99, 900),
    });
    expect(body).toHaveLength(1);
    expect(body[0].anomalous).toBe(true);
    const { body: kept } = await ask<ApiRecording[]>(at('machines/pump-7/recordings'));
    expect(kept).toHaveLength(15);
  });

  it('changes thresholds in new versions, and goes back', async () => {
    const put = (json: unknown) => ask<ApiDetector>(at('detectors/pump/threshold'), { method: 'PUT', json });
    const first = await put({ threshold: 1e6 });
    expect(first.body).toMatchObject({ version: 2, parent: 1, origin: 'threshold', threshold: 1e6, current: true });
    expect((await upload(30, 900)).body.scores[0]).toMatchObject({ anomalous: false, version: 2 });
    const second = await put({ falseAlarmRate: 0.2 });
    expect(second.body).toMatchObject({ version: 3, falseAlarmRate: 0.2 });
    expect((await put({ threshold: 1, falseAlarmRate: 0.1 })).status).toBe(400);
    const { body: back } = await ask<ApiDetector>(at('detectors/pump/use'), { method: 'POST', json: { version: 1 } });
    expect(back).toMatchObject({ version: 1, current: true });
    const { body: versions } = await ask<ApiDetector[]>(at('detectors/pump/versions'));
    expect(versions.map(({ version, current }) => [version, current])).toEqual([
      [3, false],
      [2, false],
      [1, true],
    ]);
    const { body: calibration } = await ask<{ scores: number[] }>(at('detectors/pump/calibration'));
    expect(calibration.scores).toHaveLength(12);
    expect([...calibration.scores].sort((a, b) => a - b)).toEqual(calibration.scores);
  });

  it('learns that something is normal, and forgets it again', async () => {
    const { body: faulty } = await upload(22, 900);
    expect(faulty.known).toBe(true);
    const label = { machine: 'pump-7', hash: faulty.recording.hash, label: 'normal' };
    const said = await ask<{ label: ApiLabel; job: ApiJob }>(at('labels'), { method: 'POST', json: label });
    const learned = await finished(said.body.job);
    expect(learned, JSON.stringify(learned)).toMatchObject({
      state: 'done',
      detector: { origin: 'feedback', segments: 13 },
    });
    expect((await upload(31, 900)).body.scores[0].anomalous).toBe(false);
    const { body: labels } = await ask<ApiLabel[]>(at('labels?machine=pump-7'));
    expect(labels).toMatchObject([{ id: said.body.label.id, by: 'local', version: learned.detector?.version }]);
    const undone = await ask<{ label: ApiLabel; job: ApiJob }>(at(`labels/${labels[0].id}/undo`), { method: 'POST' });
    expect(undone.body.label.undone).toBe(true);
    expect(await finished(undone.body.job)).toMatchObject({
      state: 'done',
      detector: { origin: 'undo', segments: 12 },
    });
    expect((await upload(32, 900)).body.scores[0].anomalous).toBe(true);
    expect((await ask(at(`labels/${labels[0].id}/undo`), { method: 'POST' })).status).toBe(404);
  });

  it('plays a recording, whole and in parts, and shows it', async () => {
    const { body } = await upload(5);
    const path = at(`machines/pump-7/recordings/${body.recording.hash}`);
    const whole = await fetch(`${path}/audio`);
    expect(whole.headers.get('content-type')).toBe('audio/wav');
    const bytes = new Uint8Array(await whole.arrayBuffer());
    expect(bytes).toEqual(playable(await readRecordings(hum(5))));
    const part = await fetch(`${path}/audio`, { headers: { range: 'bytes=44-147' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 44-147/${bytes.length}`);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(44, 148));
    const behind = await fetch(`${path}/audio`, { headers: { range: `bytes=${bytes.length}-` } });
    expect(behind.status).toBe(416);
    const { body: picture } = await ask<ApiPicture>(`${path}/picture?at=0`);
    const { frames, bins, values } = picture.spectrogram;
    expect(Buffer.from(values, 'base64').length).toBe(frames * bins);
    expect(frames * bins).toBeGreaterThan(100);
    const found = await ask<{ hash: string }>(at('detectors/pump/nearest?file=hum5.wav&startSeconds=0'));
    expect(found.body).toEqual({ machine: 'pump-7', hash: body.recording.hash, startSeconds: 0 });
    expect((await ask(at('detectors/pump/nearest?file=none.wav'))).status).toBe(404);
  });

  it('tells Prometheus', async () => {
    const { body } = await ask<string>(`${service.url}/metrics`);
    expect(body).toMatch(/^thrum_recordings_total\{outcome="stored"\} \d+$/m);
    expect(body).toMatch(/^thrum_scores_total\{verdict="anomalous"\} \d+$/m);
    expect(body).toMatch(/^thrum_alarms_total\{kind="fault",change="raised"\} 1$/m);
    expect(body).toMatch(/^thrum_event_loop_delay_seconds\{quantile="0.99"\} /m);
    expect(body).toMatch(/^thrum_stored_recordings 18$/m);
    expect(body).toMatch(/route="\/api\/machines\/:name\/recordings",status="201"/);
    expect(body).not.toMatch(/pump-7/);
  });

  it('remembers which array of a file was sent, for all that reads it again', async () => {
    const array = (hz: number) => {
      const data = Float64Array.from({ length: 2000 }, (_, i) => Math.sin((2 * Math.PI * hz * i) / 4000));
      return writeNpy({ shape: [2000], data });
    };
    for (let i = 0; i < 4; i++) {
      const bytes = zipSync({ 'left.npy': array(100 + i), 'right.npy': array(700 + i) });
      const query = `name=${i}.npz&rate=4000&variable=right&startMs=${i}`;
      const { status, body } = await ask<ApiUploaded>(at(`machines/press/recordings?${query}`), {
        method: 'POST',
        bytes,
      });
      expect(status, JSON.stringify(body)).toBe(201);
      expect(body.recording.variable).toBe('right');
      const sound = await fetch(at(`machines/press/recordings/${body.recording.hash}/audio`));
      const [{ channels }] = await readRecordings(new Uint8Array(await sound.arrayBuffer()));
      // Of 700 Hz, 350 periods in half a second with two changes of sign each, but where a sample is zero; of 100 Hz, 100.
      const changes = channels[0].filter((value, j) => j > 0 && value * channels[0][j - 1] < 0).length;
      expect(changes).toBeGreaterThan(500);
    }
    const fit = await ask<ApiJob>(at('detectors/press/fit'), { method: 'POST', json: { machine: 'press' } });
    expect(await finished(fit.body)).toMatchObject({ state: 'done', failures: [], detector: { encoder: 'spectral' } });
  });

  it('forgets a machine, then its detector, and no sooner', async () => {
    const early = await ask(at('detectors/pump'), { method: 'DELETE' });
    expect(early.status, service.lines.join('')).toBe(422);
    expect(early.body.error).toMatch(/pump hears pump-7/);
    expect((await ask(at('machines/pump-7'), { method: 'DELETE' })).status).toBe(200);
    expect((await ask(at('detectors/pump'), { method: 'DELETE' })).status).toBe(200);
    expect((await ask(at('machines/pump-7/scores'))).body).toEqual([]);
    expect((await ask(at('machines/pump-7'))).status).toBe(404);
  });
});
