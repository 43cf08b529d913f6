// Several processes that train together through a real NATS server: what they exchange, what ends them, and whole runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Objm } from '@nats-io/obj';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Exchange } from '../src/training/exchange.ts';
import { connectExchange, type ExchangeOptions } from '../src/training/exchange-nats.node.ts';
import type { TrainingState } from '../src/training/step.ts';
import { hasNatsServer, type NatsServer, startNatsServer, throughNats } from './nats-server.ts';
import { complaints, mainScript, output, refusal, scratchFolder, thrum } from './run-cli.ts';

const { folder, at } = scratchFolder();

let server: NatsServer;
beforeAll(async () => {
  if (hasNatsServer) server = await startNatsServer(at('server'));
});
afterAll(() => server?.stop());

const one = (values: number[]) => new Map([['w', Float32Array.from(values)]]);
const stateOf = (...values: number[]): TrainingState => ({
  step: 0,
  parameters: one(values),
  teacher: one(values),
  first: one(values.map((x) => 10 * x)),
  second: one(values.map((x) => x * x)),
});

/** Names of all that a group has on the server; undefined where it has no bucket. */
async function stored(group: string): Promise<string[] | undefined> {
  const connection = await connect({ servers: server.url });
  try {
    const store = await new Objm(connection).open(`thrum-${group}`);
    return (await store.list()).map(({ name }) => name).sort();
  } catch {
    return undefined;
  } finally {
    await connection.close();
  }
}

describe.skipIf(!hasNatsServer)(throughNats('an exchange'), () => {
  const joined: Exchange[] = [];
  let group = '';
  let groups = 0;
  const join = async (rank: number, changes: Partial<ExchangeOptions> = {}): Promise<Exchange> => {
    const settings = { size: 'tiny', steps: 10, settings: { batch: 4 } };
    const exchange = await connectExchange({
      ...{ servers: [server.url], group, world: 2, rank, settings, timeoutSeconds: 20 },
      ...changes,
    });
    joined.push(exchange);
    return exchange;
  };
  const refused = async (rank: number, changes: Partial<ExchangeOptions>): Promise<string> => {
    const error = await join(rank, changes).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error.name).toBe('InputError');
    return error.message;
  };
  const round = (number: number, ...by: [Exchange, TrainingState][]) =>
    Promise.all(by.map(([exchange, state]) => exchange.average(number, state)));
  afterEach(async () => {
    for (const exchange of joined.splice(0)) await exchange.close();
  });
  const fresh = () => {
    group = `group-${++groups}`;
  };

  it('gives every rank the same mean, keeps two rounds, and leaves nothing behind', async () => {
    fresh();
    const ranks = await Promise.all([0, 1, 2].map((rank) => join(rank, { world: 3 })));
    for (const number of [2, 4, 6]) {
      const states = [stateOf(0.1, number), stateOf(0.2, 1), stateOf(0.3, 1)];
      await Promise.all(ranks.map((exchange, rank) => exchange.average(number, states[rank])));
      expect(states[0].parameters.get('w')).toEqual(Float32Array.of(0.2, (number + 2) / 3));
      expect(states[0].first.get('w')?.[1]).toBe(Math.fround((10 * (number + 2)) / 3));
      for (const state of states) expect(state).toEqual(states[0]);
    }
    expect(await stored(group)).toEqual(['4/0', '4/1', '4/2', '6/0', '6/1', '6/2']);
    await ranks[0].close(true);
    await ranks[1].close(true);
    expect(await stored(group)).toContain('6/2');
    await ranks[2].close(true);
    expect(await stored(group)).toBeUndefined();
  });

  it('takes what a rank has put, whatever it brings when it comes again', async () => {
    fresh();
    const killed = await join(1);
    const lost = killed.average(2, stateOf(4));
    while (!(await stored(group))?.includes('2/1')) await sleep(20);
    await killed.close();
    await expect(lost).rejects.toThrow(/ended the connection at step 2; see why, then resume the run/);
    const [zero, again] = [await join(0), await join(1, { resume: true })];
    const [a, b] = [stateOf(2), stateOf(100)];
    await round(2, [zero, a], [again, b]);
    expect(a.parameters.get('w')).toEqual(Float32Array.of(3));
    expect(b).toEqual(a);
  });

  it('lets a rank go back to the checkpoint before the last, and no further', async () => {
    fresh();
    const [zero, first] = [await join(0), await join(1)];
    for (const number of [2, 4, 6]) await round(number, [zero, stateOf(number)], [first, stateOf(0)]);
    await first.close();
    const again = await join(1, { resume: true });
    const state = stateOf(0);
    await again.average(4, state);
    expect(state.parameters.get('w')).toEqual(Float32Array.of(2));
    const late = await again.average(2, stateOf(0)).catch((error) => error.message);
    expect(late).toMatch(
      /^average: expected the state of step 2 of rank 0 in group .*, but that rank is at step [46]: the checkpoint here is too old; copy the run folder of another rank, with rank 1 in its config\.json, and resume$/,
    );
  });

  it('goes on when the server was started anew', async () => {
    fresh();
    const own = await startNatsServer(at('restarted'));
    const servers = [own.url];
    const [zero, first] = [await join(0, { servers }), await join(1, { servers })];
    await round(2, [zero, stateOf(1)], [first, stateOf(3)]);
    const [a, b] = [stateOf(5), stateOf(6)];
    const waiting = zero.average(4, a);
    await sleep(200);
    await own.stop();
    const back = await startNatsServer(at('restarted'), own.port);
    try {
      await Promise.all([waiting, first.average(4, b)]);
      expect(a.parameters.get('w')).toEqual(Float32Array.of(5.5));
      expect(b).toEqual(a);
    } finally {
      await zero.close();
      await first.close();
      await back.stop();
    }
  });

  it('refuses another world size, other settings and a rank that is taken', async () => {
    fresh();
    await join(0);
    expect(await refused(1, { world: 3 })).toMatch(
      /^connectExchange: expected a world size of 2, as rank 0 \(process \d+ on .*\) of group .* has, got 3; give all processes the same one, or name another group$/,
    );
    const settings = { size: 'tiny', steps: 10, settings: { batch: 2 } };
    expect(await refused(1, { settings })).toMatch(
      /^connectExchange: expected settings\.batch 4, as rank 0 \(.*\) of group .* has, got 2; give all processes the same settings, or name another group$/,
    );
    expect(await refused(0, {})).toMatch(
      /^connectExchange: expected rank 0 of group .* free, but process \d+ on .* has it; give every process a rank of its own, or wait until that one has ended$/,
    );
    // Those that were refused leave the others as they were.
    const [zero, first] = [joined[0], await join(1)];
    await round(2, [zero, stateOf(1)], [first, stateOf(3)]);
    await zero.close();
    await first.close();
    // With nobody there, what was put speaks for them.
    expect(await refused(1, { settings, resume: true })).toMatch(/expected settings\.batch 4, as rank [01] /);
    expect(await refused(1, {})).toMatch(
      /^connectExchange: expected no state of rank 1 in group .*, found that of step 2 \(process .*\); resume that run, or name another group$/,
    );
    // More steps may be asked for than before.
    await join(1, { resume: true, settings: { size: 'tiny', steps: 20, settings: { batch: 4 } } });
  });

  it('lets at most one of two stay that come by a rank at once', async () => {
    for (let i = 0; i < 10; i++) {
      fresh();
      const both = await Promise.allSettled([join(1), join(1)]);
      expect(both.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
      for (const exchange of joined.splice(0)) await exchange.close();
    }
  });

  it('refuses other parameters', async () => {
    fresh();
    const [zero, first] = [await join(0), await join(1)];
    const results = await Promise.allSettled([zero.average(2, stateOf(1)), first.average(2, stateOf(1, 2))]);
    for (const [rank, result] of results.entries()) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          name: 'InputError',
          message: expect.stringMatching(
            new RegExp(
              `^average: expected the parameters of this encoder in state 2/${1 - rank} of group .* \\(${[16, 32][rank]} bytes\\), found others \\(${[32, 16][rank]} bytes, process .*\\); train the same encoder with the same version everywhere, or name another group$`,
            ),
          ),
        },
      });
    }
  });

  it('waits no longer than it was told to', async () => {
    fresh();
    const zero = await join(0, { timeoutSeconds: 0.3 });
    await expect(zero.average(2, stateOf(1))).rejects.toThrow(
      `average: no state of rank 1 in group ${group} at step 2, for 0.3 s; see whether it runs, then resume every process that has stopped`,
    );
    const own = await startNatsServer(at('stopped'));
    const alone = await join(0, { servers: [own.url], timeoutSeconds: 0.3 });
    await own.stop();
    await expect(alone.average(2, stateOf(1))).rejects.toThrow(
      /^average: nats:\/\/127\.0\.0\.1:\d+ did not do its part \(.*\) at step 2, for 0\.3 s; see to the server, then resume the run$/,
    );
  });

  it('refuses servers that cannot be used, and shows no password', async () => {
    fresh();
    expect(await refused(0, { servers: ['nats://me:secret@127.0.0.1:1'] })).toBe(
      'connectExchange: cannot reach nats://127.0.0.1:1 (connection refused); see that a server runs there (nats-server -js), and that address, user and certificate are right',
    );
    expect(await refused(0, { servers: ['http://me:secret@127.0.0.1'] })).toBe(
      'connectExchange: expected servers such as nats://host:4222, got 127.0.0.1',
    );
    expect(await refused(0, { servers: [] })).toMatch(/got none$/);
    const plain = await startNatsServer();
    try {
      expect(await refused(0, { servers: [plain.url] })).toMatch(
        /^connectExchange: expected an object store on nats:.*, but the server says: .*; start it with JetStream \(nats-server -js\)$/,
      );
    } finally {
      await plain.stop();
    }
    expect(await refused(0, { group: 'a b' })).toMatch(/expected letters, digits, - and _ as the group, got a b$/);
    expect(await refused(2, {})).toMatch(/expected a rank from 0 to below the world size, got 2 of 2$/);
  });
});

const tiny = ['--size', 'tiny', '--batch', '2', '--patches', '4', '--warm-up', '2', '--learning-rate', '0.01'];
const pretrain = (run: string, rank: number, ...more: string[]) => [
  ...['pretrain', 'echo', '--data', 'simulator', '--run', run, ...tiny, '--steps', '5', '--workers', '0'],
  ...['--world', '2', '--rank', String(rank), '--sync-every', '2', ...more],
];

describe.skipIf(!hasNatsServer)(throughNats('thrum pretrain by two processes'), () => {
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  function start(run: string, rank: number, ...more: string[]) {
    const args = pretrain(run, rank, '--peers', server.url, ...more);
    const child = spawn(process.execPath, [mainScript, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (text) => {
        said[name] += text;
      });
    }
    const ended = once(child, 'close').then(([status]) => ({ ...said, status: status as number | null }));
    return { child, ended };
  }

  const encoder = (run: string): Buffer => readFileSync(at(run, 'encoder.safetensors'));
  const losses = (run: string): number[][] =>
    readFileSync(at(run, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]);

  it('ends with the same weights, and so it does when one was killed', async () => {
    const whole = ['a0', 'a1'].map((run, rank) => start(run, rank, '--group', 'whole'));
    for (const { ended } of whole) expect(output(await ended)).toMatch(/^echo-tiny: 5 steps done/);
    expect(encoder('a1').equals(encoder('a0'))).toBe(true);
    expect(losses('a1')).not.toEqual(losses('a0'));
    expect(await stored('whole')).toBeUndefined();
    expect(JSON.parse(readFileSync(at('a1', 'config.json'), 'utf8')).config).toMatchObject({
      world: 2,
      rank: 1,
      syncEvery: 2,
    });

    // The default group: recipe, size and seed.
    const [zero, first] = ['b0', 'b1'].map((run, rank) => start(run, rank));
    while (first.child.exitCode === null && !existsSync(at('b1', 'checkpoint-00000002.safetensors'))) await sleep(5);
    first.child.kill('SIGKILL');
    expect((await first.ended).status).toBeNull();
    expect(existsSync(at('b1', 'checkpoint-00000005.safetensors'))).toBe(false);
    expect(await stored('echo-tiny-0')).toContain('2/1');
    output(await start('b1', 1, '--resume').ended);
    output(await zero.ended);
    for (const rank of [0, 1]) {
      expect(encoder(`b${rank}`).equals(encoder('a0'))).toBe(true);
      expect(losses(`b${rank}`)).toEqual(losses(`a${rank}`));
    }
    expect(await stored('echo-tiny-0')).toBeUndefined();
  }, 180_000);

  it('refuses before there is a folder', async () => {
    const peer = await connectExchange({
      ...{ servers: [server.url], group: 'other', world: 2, rank: 1, settings: { recipe: 'echo', size: 'small' } },
    });
    try {
      const outcome = await start('new', 0, '--group', 'other').ended;
      expect(refusal(outcome, 1)).toMatch(/^thrum: connectExchange: expected .* as rank 1 \(process .* of group other/);
    } finally {
      await peer.close();
    }
    expect(existsSync(at('new'))).toBe(false);
  });
});

describe('thrum pretrain with options of several processes', () => {
  const here = { cwd: folder };
  const peers = ['--peers', 'nats://127.0.0.1:1'];
  const alone = ['pretrain', 'echo', '--data', 'simulator', '--run', 'new', ...tiny];

  it.each([
    ['a rank alone', [...alone, '--rank', '0'], /--rank: expected --peers SERVERS with it/],
    ['a group alone', [...alone, '--group', 'g'], /--group: expected --peers SERVERS with it/],
    ['no world size', [...alone, ...peers, '--rank', '0'], /expected --world N with --peers/],
    ['no rank', [...alone, ...peers, '--world', '2'], /expected --rank R with --peers/],
    [
      'a rank too high',
      pretrain('new', 2, ...peers),
      /--rank: expected a number \(whole, at least 0, below 2\), got 2/,
    ],
    ['a world of one', [...alone, ...peers, '--world', '1', '--rank', '0'], /--world: .* at least 2\), got 1/],
    ['a group with a space', pretrain('new', 0, ...peers, '--group', 'a b'), /--group: expected letters, digits/],
  ])('%s: wrong usage', (_, args, message) => {
    expect(refusal(thrum(args, here), 2)).toMatch(message);
  });

  it('says which server cannot be reached, and leaves no folder', () => {
    const lines = complaints(thrum(pretrain('new', 0, ...peers), here), 1);
    expect(lines).toEqual([
      'thrum: connectExchange: cannot reach nats://127.0.0.1:1 (connection refused); see that a server runs there (nats-server -js), and that address, user and certificate are right',
    ]);
    expect(existsSync(at('new'))).toBe(false);
  });
});
