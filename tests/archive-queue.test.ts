// Archives over a queue: the same rows as without one, each file once, whatever dies meanwhile.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterEach, describe, expect, it } from 'vitest';
import { readDetector } from '../src/detection/detector-file.ts';
import { scoreFiles } from '../src/detection/score-files.node.ts';
import { embedFiles } from '../src/encoders/embed-pool.node.ts';
import { identifyEncoder } from '../src/encoders/load.node.ts';
import type { ArchivePlan } from '../src/monitor/hearing/archive-job.ts';
import { type ArchiveOptions, runArchive } from '../src/monitor/queue/archive-run.node.ts';
import { publishRecording } from '../src/monitor/queue/publish.node.ts';
import { ensureStreams } from '../src/monitor/queue/streams.node.ts';
import { InputError } from '../src/signal/errors.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { createFleet, soundOf, until } from './fleet.ts';
import { hasNatsServer, startNatsServer, throughNats } from './nats-server.ts';
import { hum } from './run-cli.ts';
import { spawnThrum } from './spawn-thrum.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Row = Record<string, unknown> & { file: string };

/** Rows of all partitions, in the order of their files. */
async function rowsIn(folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of readdirSync(folder)
    .filter((one) => one.endsWith('.parquet'))
    .sort()) {
    rows.push(...((await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, name)) })) as Row[]));
  }
  return rows.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : Number(a.segment) - Number(b.segment)));
}
const partsIn = (folder: string): number => readdirSync(folder).filter((name) => name.endsWith('.parquet')).length;

/** A fleet with a server, and an archive of `count` short recordings, one that is none, and an empty one. */
async function setUp(count: number, { onDisk = false, hears = {} as Record<string, Uint8Array> } = {}) {
  const fleet = await createFleet(['pump'], { onDisk });
  endings.push(fleet.end);
  let server = await startNatsServer(join(fleet.folder, 'nats'));
  endings.push(() => server.kill());
  const archive = join(fleet.folder, 'archive, of 2024');
  mkdirSync(archive);
  const contents: Record<string, Uint8Array> = {
    'bad.wav': Buffer.from('no recording'),
    'empty.wav': new Uint8Array(),
  };
  for (let i = 0; i < count; i++) contents[`${String(i).padStart(3, '0')}-ä.wav`] = soundOf(i);
  const all = { ...contents, ...hears };
  for (const [name, bytes] of Object.entries(all)) writeFileSync(join(archive, name), bytes);
  const files = Object.keys(all)
    .sort()
    .map((name) => join(archive, name));
  const detectorBytes = (await fleet.blobs.get('detectors/bearing-1')) as Uint8Array;
  const embed: ArchivePlan = {
    kind: 'embed',
    encoder: { name: 'spectral', fingerprint: (await identifyEncoder({ encoder: 'spectral' })).fingerprint },
    channel: 0,
    segmentSeconds: 0.1,
    frames: false,
    read: {},
  };
  const sha = createHash('sha256').update(detectorBytes).digest('hex');
  const score: ArchivePlan = { kind: 'score', detector: sha, resample: true, perSegment: false, read: {} };
  const folder = join(fleet.folder, 'out');
  return {
    fleet,
    files,
    archive,
    folder,
    detectorBytes,
    embed,
    score,
    get url() {
      return server.url;
    },
    run: (more: Partial<ArchiveOptions> & Pick<ArchiveOptions, 'plan'>) =>
      runArchive({ servers: [server.url], files, folder, detector: detectorBytes, ...more }),
    async restart() {
      await server.kill();
      server = await startNatsServer(join(fleet.folder, 'nats'), server.port);
    },
    /** Messages that wait in the streams of archives, and bytes in the store of objects. */
    async left() {
      const jsm = await jetstreamManager(await fleet.sender(server.url));
      const messages = async (name: string) => (await jsm.streams.info(name)).state.messages;
      return (await messages('THRUM_ARCHIVE')) + (await messages('THRUM_ARCHIVED'));
    },
  };
}
type SetUp = Awaited<ReturnType<typeof setUp>>;

/** What the library says of the same files on one machine, as rows. */
async function expectedScores({ files, detectorBytes }: SetUp): Promise<Row[]> {
  const detector = await readDetector(detectorBytes);
  const options = { encoder: { encoder: 'spectral', threads: 1 }, read: {}, resample: true, workers: 0 };
  const rows: Row[] = [];
  for await (const { path: file, scored } of scoreFiles(files, detector, options)) {
    for (const { name, startSeconds, durationSeconds, verdict } of scored) {
      rows.push({
        ...{ file, recording: name, channel: '1', segment: 0, start: startSeconds, seconds: durationSeconds },
        ...{ score: verdict?.score, threshold: detector.threshold, pvalue: verdict?.pValue },
        ...{ anomalous: verdict?.anomalous, diagnosis: null, confidence: null },
      });
    }
  }
  return rows;
}

describe.runIf(hasNatsServer)(throughNats('an archive'), { timeout: 300_000 }, () => {
  it('is scored bit for bit as without a queue; what cannot be read stands apart, and nothing is left behind', async () => {
    const it = await setUp(12, {
      hears: {
        'large.wav': writeWav({ channels: [hum(200, 2000, 1)], sampleRate: 2000, name: '' }, { bits: 'float32' }),
      },
    });
    await it.fleet.work([it.url]);
    await it.fleet.work([it.url]);
    const summary = await it.run({ plan: it.score });
    expect(summary).toEqual({ files: 13, failed: 2, rows: 13, parts: 1, interrupted: false });
    expect(await rowsIn(it.folder)).toEqual(await expectedScores(it));
    const failed = readFileSync(join(it.folder, 'failed.csv'), 'utf8').split('\n');
    expect(failed).toHaveLength(4);
    expect(failed[0]).toBe('file,reason');
    expect(failed.slice(1, 3).sort()).toEqual([
      expect.stringMatching(/^".*bad\.wav",".*bad\.wav.*"$/),
      expect.stringMatching(/^".*empty\.wav",".*an empty file.*"$/),
    ]);
    expect(await it.left()).toBe(0);
  });

  it('is embedded as without a queue, also where files and results are larger than a message', async () => {
    const long = hum(330, 2000, 1);
    const large = writeWav({ channels: [long], sampleRate: 2000, name: '' }, { bits: 16 });
    expect(large.length).toBeGreaterThan(2 ** 20);
    const it = await setUp(3, { hears: { 'large.wav': large } });
    await it.fleet.work([it.url]);
    const expected: Row[] = [];
    const preparation = { channel: 0, segmentSeconds: 0.1 };
    const jobs = it.files.map((path) => ({ path, read: {}, preparation, detail: 'none' as const }));
    for await (const { path: file, recordings } of embedFiles({ encoder: 'spectral', threads: 1 }, jobs, {
      workers: 0,
    })) {
      for (const { name: recording, segments, sampleRate } of recordings) {
        for (const [segment, { startSeconds: start, durationSeconds, vector }] of segments.entries()) {
          const seconds = start + durationSeconds - start;
          const place = { file, recording, channel: '1', segment, start, seconds };
          expected.push({ ...place, sample_rate: sampleRate, embedding: Array.from(vector) });
        }
      }
    }
    expect(expected.filter(({ file }) => file.endsWith('large.wav')).length * 4).toBeGreaterThan(13_000);
    await it.run({ plan: it.embed });
    expect(await rowsIn(it.folder)).toEqual(expected);
    // Over the store of the workers too.
    rmSync(it.folder, { recursive: true });
    await it.run({ plan: it.embed, blobs: it.fleet.blobs });
    expect(await rowsIn(it.folder)).toEqual(expected);
    expect(await it.left()).toBe(0);
  });

  it('goes on where it was, and tries again what failed', async () => {
    const it = await setUp(20);
    await it.fleet.work([it.url]);
    const stopping = new AbortController();
    const first = await it.run({
      plan: it.score,
      part: { rows: 4, bytes: 2 ** 26 },
      window: { files: 3, bytes: 2 ** 26 },
      signal: stopping.signal,
      onProgress: (done) => done >= 9 && stopping.abort(),
    });
    expect(first.interrupted).toBe(true);
    expect(first.files).toBeGreaterThanOrEqual(7);
    expect(first.files).toBeLessThan(20);
    const before = await rowsIn(it.folder);
    writeFileSync(join(it.archive, 'bad.wav'), soundOf(99));
    const second = await it.run({ plan: it.score, part: { rows: 4, bytes: 2 ** 26 } });
    expect(second).toMatchObject({ files: 21, failed: 1, rows: 21, interrupted: false });
    const rows = await rowsIn(it.folder);
    expect(rows).toEqual(await expectedScores(it));
    expect(rows).toEqual(expect.arrayContaining(before));
    expect(partsIn(it.folder)).toBe(second.parts);
    // A partition that is lost is made again; another command has to go elsewhere.
    rmSync(join(it.folder, 'part-00001.parquet'));
    await it.run({ plan: it.score });
    expect(await rowsIn(it.folder)).toEqual(rows);
    await expect(it.run({ plan: { ...it.score, resample: false } })).rejects.toThrow(/other options.*\(resample\)/);
    writeFileSync(join(it.folder, 'part-00000.parquet'), 'PAR1');
    await expect(it.run({ plan: it.score })).rejects.toThrow(/part-00000.parquet is no partition/);
  });

  it('has every file once though command, workers and server are killed', async () => {
    const it = await setUp(60, { onDisk: true });
    const at = (name: string) => join(it.fleet.folder, name);
    writeFileSync(at('pump.thrum'), it.detectorBytes);
    const startWorker = () =>
      spawnThrum(
        [
          'worker',
          '--nats',
          it.url,
          '--store',
          at('thrum.db'),
          '--blobs',
          at('blobs'),
          '--threads',
          '1',
          '--ack-seconds',
          '1',
        ],
        endings,
        'thrum worker is ready',
      );
    const args = [
      'score',
      it.archive,
      '--detector',
      at('pump.thrum'),
      '--resample',
      '--queue',
      it.url,
      '--out',
      it.folder,
    ];
    let command = await spawnThrum(args, endings);
    const jsm = await jetstreamManager(await it.fleet.sender(it.url));
    const archived = async () => (await jsm.streams.info('THRUM_ARCHIVED').catch(() => undefined))?.state.last_seq ?? 0;
    let workers = [await startWorker(), await startWorker()];
    for (const share of [3, 12, 25]) {
      // Servers that were killed may count from 1 again; and all may be done before anybody has looked.
      await until(`${share} results`, async () => command.hasEnded() || (await archived()) >= share);
      await command.end('SIGKILL');
      await workers[0].end('SIGKILL');
      if (share === 12) await it.restart();
      workers = [workers[1], await startWorker()];
      command = await spawnThrum(args, endings);
    }
    expect(await command.end(), command.said()).toBe(1);
    expect(command.said()).toMatch(/60 rows of 60 files in \d+ partitions/);
    expect(command.said()).toMatch(/2 of 62 files could not be used/);
    expect(await rowsIn(it.folder)).toEqual(await expectedScores(it));
    expect(await it.left()).toBe(0);
  });

  it('waits while recordings of sensors wait', async () => {
    const it = await setUp(3);
    const sender = await it.fleet.sender(it.url);
    const jsm = await jetstreamManager(sender);
    await ensureStreams(jsm);
    for (let i = 0; i < 12; i++) {
      await publishRecording(sender, { machine: 'pump', name: `${i}`, bytes: soundOf(i), startMs: 1000 * i });
    }
    const order: string[] = [];
    const { hear, archive } = it.fleet.pool;
    const pool: typeof it.fleet.pool = {
      ...it.fleet.pool,
      hear: (...job) => {
        order.push('hear');
        return hear(...job);
      },
      archive: (...job) => {
        order.push('archive');
        return archive(...job);
      },
    };
    const running = it.run({ plan: it.score });
    await until(
      'jobs',
      async () => ((await jsm.streams.info('THRUM_ARCHIVE').catch(() => undefined))?.state.messages ?? 0) >= 3,
    );
    await it.fleet.work([it.url], { pool, concurrency: 2 });
    await running;
    expect(order.filter((one) => one === 'hear').length).toBe(12);
    // Those in hand may still be on their way to the pool.
    expect(order.indexOf('archive')).toBeGreaterThanOrEqual(10);
  });

  it('reads files by their path only in the folders that workers were given', async () => {
    const it = await setUp(2);
    const worker = await it.fleet.work([it.url], { archives: [join(it.fleet.folder, 'elsewhere')] });
    const refused = await it.run({ plan: it.score, shared: true });
    expect(refused).toMatchObject({ files: 0, failed: 4 });
    expect(readFileSync(join(it.folder, 'failed.csv'), 'utf8')).toMatch(/does not see it in the folders it may read/);
    await worker.stop();
    await it.fleet.work([it.url], { archives: [it.archive] });
    expect(await it.run({ plan: it.score, shared: true })).toMatchObject({ files: 2, failed: 2 });
    expect(await rowsIn(it.folder)).toEqual(await expectedScores(it));
  });

  it('ends where workers have other weights, and goes on when that is mended', async () => {
    // One file: what another worker would have in hand when it ends is not forgotten by the servers at once.
    const it = await setUp(1);
    await it.fleet.work([it.url]);
    if (it.embed.kind !== 'embed') throw new Error('a plan that embeds');
    const wrong = { ...it.embed, encoder: { ...it.embed.encoder, fingerprint: 'other' } };
    await expect(it.run({ plan: wrong })).rejects.toThrow(/a worker refuses: .*the weights of spectral are others/);
    await expect(
      it.run({ plan: wrong, folder: join(it.fleet.folder, 'b'), servers: ['nats://127.0.0.1:1'] }),
    ).rejects.toThrow(InputError);
    expect(await it.left()).toBe(0);
    rmSync(it.folder, { recursive: true });
    expect(await it.run({ plan: it.embed })).toMatchObject({ files: 1 });
  });
});
