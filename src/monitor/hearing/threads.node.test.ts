import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { PoolClosedError, QueueFullError } from './errors.ts';
import { createThreads, type ThreadJob, type Threads } from './threads.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-threads-'));
const path = join(folder, 'worker.mjs');
// Says what it is told to; `flag` is memory that the test can see and set.
writeFileSync(
  path,
  `import { parentPort, threadId } from 'node:worker_threads';
  parentPort.on('message', ({ act, flag, value }) => {
    if (flag) Atomics.add(flag, 0, 1), Atomics.notify(flag, 0);
    if (act === 'die') process.exit(7);
    if (act === 'die-once' && Atomics.load(flag, 0) === 1) throw new Error('a bad\\nday');
    if (act === 'hang') for (;;);
    if (act === 'wait') Atomics.wait(flag, 1, 0);
    if (act === 'refuse') return parentPort.postMessage({ error: 'expected a sound', badInput: true });
    if (act === 'fail') return parentPort.postMessage({ error: 'out of luck', badInput: false });
    parentPort.postMessage({ result: { value, threadId } });
  });
  parentPort.postMessage({ ready: true });`,
);
const broken = join(folder, 'broken.mjs');
writeFileSync(broken, 'throw new Error("no such library");');

let open: Threads[] = [];
const threadsOf = (threads: number, capacity = 10, script = path): Threads => {
  const made = createThreads({ path: script, threads, capacity });
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Said = { value: unknown; threadId: number };
const job = (act: string, more: Partial<ThreadJob> & { value?: unknown; flag?: Int32Array } = {}): ThreadJob => {
  const { value, flag, ...rest } = more;
  return { name: `test: ${act}`, message: () => ({ content: { act, value, flag } }), ...rest };
};
const flag = () => new Int32Array(new SharedArrayBuffer(8));
/** Waits until a thread has taken the job that holds this flag. */
const taken = async (at: Int32Array): Promise<void> => {
  while (Atomics.load(at, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
};
const release = (at: Int32Array): void => {
  Atomics.store(at, 1, 1);
  Atomics.notify(at, 1);
};

describe('createThreads', () => {
  it('answers every job with its own answer, on no more threads than allowed', async () => {
    const threads = threadsOf(2);
    const said = (await Promise.all(
      Array.from({ length: 10 }, (_, value) => threads.run(job('say', { value }))),
    )) as Said[];
    expect(said.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(said.map(({ threadId }) => threadId)).size).toBeLessThanOrEqual(2);
    expect(threads.load()).toEqual({ waiting: 0, running: 0, threads: 2 });
  });

  it('hands errors on, bad input as such', async () => {
    const threads = threadsOf(1);
    await expect(threads.run(job('refuse'))).rejects.toEqual(new InputError('expected a sound'));
    await expect(threads.run(job('fail'))).rejects.toThrow('out of luck');
    await expect(threads.run(job('fail'))).rejects.not.toBeInstanceOf(InputError);
    const unsent = { name: 'x', message: () => ({ content: () => {} }) };
    await expect(threads.run(unsent)).rejects.toThrow(/could not be cloned/);
    expect(await threads.run(job('say', { value: 1 }))).toMatchObject({ value: 1 });
  });

  it('lets no more than `capacity` jobs wait, but parts of one that was let in', async () => {
    const threads = threadsOf(1, 2);
    const at = flag();
    const first = threads.run(job('wait', { flag: at }));
    await taken(at);
    const more = [threads.run(job('say', { value: 1 })), threads.run(job('say', { value: 2 }))];
    expect(threads.load()).toEqual({ waiting: 2, running: 1, threads: 1 });
    const full = await threads.run(job('say')).catch((error: unknown) => error);
    expect(full).toBeInstanceOf(QueueFullError);
    expect(full).toMatchObject({ waiting: 2 });
    const part = threads.run(job('say', { value: 3, part: true }));
    release(at);
    await expect(Promise.all([first, ...more, part])).resolves.toMatchObject([
      {},
      { value: 1 },
      { value: 2 },
      { value: 3 },
    ]);
  });

  it('takes an aborted job out of the queue, and does not wait for one that runs', async () => {
    const threads = threadsOf(1);
    const [at, never] = [flag(), flag()];
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = threads.run(job('wait', { flag: at, signal: running.signal }));
    await taken(at);
    const second = threads.run(job('say', { flag: never, signal: waiting.signal }));
    waiting.abort(new Error('nobody listens'));
    await expect(second).rejects.toThrow('nobody listens');
    expect(threads.load()).toMatchObject({ waiting: 0, running: 1 });
    running.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    release(at);
    expect(await threads.run(job('say', { value: 5 }))).toMatchObject({ value: 5 });
    expect(Atomics.load(never, 0)).toBe(0);
    await expect(threads.run(job('say', { signal: waiting.signal }))).rejects.toThrow('nobody listens');
  });

  it('gives a job to another thread where one dies, once', async () => {
    const threads = threadsOf(1);
    const at = flag();
    expect(await threads.run(job('die-once', { flag: at, value: 'survived' }))).toMatchObject({ value: 'survived' });
    expect(Atomics.load(at, 0)).toBe(2);
    const dead = await threads.run(job('die')).catch((error: unknown) => error);
    expect(dead).toEqual(
      new InputError(
        'test: die ended the thread that worked on it 2 times (it stopped with code 7); leave it out, or make it shorter',
      ),
    );
    expect(await threads.run(job('say', { value: 6 }))).toMatchObject({ value: 6 });
  });

  it('ends a thread that takes too long, and refuses its job', async () => {
    const threads = threadsOf(1);
    const [slow, next] = [threads.run(job('hang', { seconds: 0.2 })), threads.run(job('say', { value: 7 }))];
    await expect(slow).rejects.toEqual(
      new InputError('test: hang took longer than 0.2 s and was stopped; make it shorter, or allow more time for one'),
    );
    expect(await next).toMatchObject({ value: 7 });
  });

  it('does not blame a job for threads that do not start', async () => {
    const failed = await threadsOf(1, 10, broken)
      .run(job('say'))
      .catch((error: unknown) => error);
    expect(failed).not.toBeInstanceOf(InputError);
    expect(String(failed)).toMatch(/no thread could be started .*no such library/);
  });

  it('says whether threads answer, and does not disturb those that are busy', async () => {
    const threads = threadsOf(2);
    await threads.ping();
    const at = flag();
    const running = threads.run(job('wait', { flag: at, value: 8 }));
    await taken(at);
    await threads.ping();
    release(at);
    expect(await running).toMatchObject({ value: 8 });
    await Promise.all([threads.ping(), threads.ping(), threads.run(job('say'))]);
    expect(threads.load()).toMatchObject({ waiting: 0, running: 0 });
    await expect(threadsOf(1, 10, broken).ping()).rejects.toThrow(/no such library/);
    await threads.close();
    await expect(threads.ping()).rejects.toThrow(PoolClosedError);
  });

  it('leaves a thread alone that is gone before its message is made', async () => {
    const threads = threadsOf(1);
    let tries = 0;
    const late = job('say', {
      ...{ seconds: 0.05, value: 1 },
      message: async () => {
        tries++;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { content: { act: 'say', value: 1 } };
      },
    });
    await expect(threads.run(late)).rejects.toThrow(/took longer/);
    expect(await threads.run(job('say', { value: 2 }))).toMatchObject({ value: 2 });
    expect(tries).toBe(1);
  });

  it('waits for what runs when it closes, and refuses all else', async () => {
    const threads = threadsOf(1);
    const at = flag();
    const running = threads.run(job('wait', { flag: at, value: 8 }));
    await taken(at);
    const waiting = threads.run(job('say')).catch((error: unknown) => error);
    let closed = false;
    const closing = threads.close().then(() => {
      closed = true;
    });
    expect(await waiting).toBeInstanceOf(PoolClosedError);
    await expect(threads.run(job('say'))).rejects.toBeInstanceOf(PoolClosedError);
    expect(closed).toBe(false);
    release(at);
    expect(await running).toMatchObject({ value: 8 });
    await closing;
  });
});
