// States of several processes, exchanged through the object store of a NATS server with JetStream.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ObjectInfo, type ObjectStore, Objm, StorageType } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../signal/errors.ts';
import { createMean, type Exchange, layoutOf, packState, unpackState } from './exchange.ts';
import { type Card, checkCard, meet, ownCard, parseCard } from './exchange-members.node.ts';
import { connectServers, download, isThere, reasonOf } from './nats.node.ts';
import type { TrainingState } from './step.ts';

export type ExchangeOptions = {
  /** `nats://host:4222`, or `tls://` so; `user:password@` or `token@` before the host. Several: servers of one cluster. */
  servers: readonly string[];
  /** Name of the run on the servers: letters, digits, - and _. */
  group: string;
  world: number;
  rank: number;
  /** What all processes must agree on; plain JSON. */
  settings: Readonly<Record<string, unknown>>;
  /** Whether this process goes on with a run; a new one must not find states of its rank. */
  resume?: boolean;
  /** How long one round may wait for the others, or for a server that went away; an hour by default. */
  timeoutSeconds?: number;
  /** Hears what a round is waiting for, when it takes long. */
  note?(line: string): void;
};

const POLL_MS = { first: 20, most: 1000 };
const NOTE_AFTER_MS = 30_000;

const stateName = (round: number, rank: number): string => `${round}/${rank}`;
const finishedName = (rank: number): string => `finished/${rank}`;

/** Whose state an object is; undefined if it is none. */
function placeOf(name: string): { round: number; rank: number } | undefined {
  const [, round, rank] = /^(\d+)\/(\d+)$/.exec(name) ?? [];
  return rank === undefined ? undefined : { round: Number(round), rank: Number(rank) };
}

/** What the rounds of a process have in common. */
type Session = {
  connection: NatsConnection;
  objects: Objm;
  /** Servers, for messages. */
  names: string;
  group: string;
  bucket: string;
  card: Card;
  timeoutSeconds: number;
  note(line: string): void;
  throwMisfit(): void;
};

/**
 * The bucket as others, or this rank before, have left it. Returns the rounds of which it has states of this rank.
 * @throws InputError for states that belong to another run
 */
async function lookBack({ objects, names, group, bucket, card }: Session, resume: boolean): Promise<number[]> {
  let store: ObjectStore;
  try {
    store = await objects.open(bucket);
  } catch (error) {
    if (reasonOf(error) === 'object store not found') return [];
    throw new InputError(
      `connectExchange: expected an object store on ${names}, but the server says: ${reasonOf(error)}; start it with JetStream (nats-server -js)`,
    );
  }
  const own: number[] = [];
  for (const { name, metadata } of await store.list()) {
    const place = placeOf(name);
    const theirs = parseCard(metadata?.card);
    if (!place || !theirs) continue;
    if (place.rank === card.rank && !resume) {
      throw new InputError(
        `connectExchange: expected no state of rank ${card.rank} in group ${group}, found that of step ${place.round} (${theirs.who}); resume that run, or name another group`,
      );
    }
    checkCard(card, theirs, group, true);
    if (place.rank === card.rank) own.push(place.round);
  }
  if (await isThere(store, finishedName(card.rank))) await store.delete(finishedName(card.rank));
  return own;
}

/** One round of one process. */
function createRound(session: Session, round: number, state: TrainingState) {
  const { connection, objects, names, group, bucket, card, timeoutSeconds, note, throwMisfit } = session;
  const { rank } = card;
  const packed = packState(state);
  const layout = createHash('sha256').update(layoutOf(state)).digest('hex');
  const started = Date.now();
  let told = false;
  let store: ObjectStore | undefined;

  /** Says once what takes long; ends what takes too long. */
  function goOn(what: string, todo: string): void {
    throwMisfit();
    const waited = Date.now() - started;
    if (waited > 1000 * timeoutSeconds) {
      throw new InputError(`average: ${what} at step ${round}, for ${timeoutSeconds} s; ${todo}`);
    }
    if (told || waited < NOTE_AFTER_MS) return;
    told = true;
    note(`waiting: ${what} at step ${round}`);
  }

  /** Does it again until it works: the client finds a server that was started anew. */
  async function persist<T>(action: (store: ObjectStore) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        store ??= await objects.create(bucket, { storage: StorageType.File });
        return await action(store);
      } catch (error) {
        if (error instanceof InputError) throw error;
        if (connection.isClosed()) {
          throw new InputError(`average: ${names} ended the connection at step ${round}; see why, then resume the run`);
        }
        store = undefined;
        goOn(`${names} did not do its part (${reasonOf(error)})`, 'see to the server, then resume the run');
      }
      await sleep(POLL_MS.most);
    }
  }

  async function read(info: ObjectInfo): Promise<Float32Array> {
    const theirs = parseCard(info.metadata?.card);
    if (theirs) checkCard(card, theirs, group, true);
    if (info.metadata?.layout !== layout || info.size !== packed.byteLength) {
      throw new InputError(
        `average: expected the parameters of this encoder in state ${info.name} of group ${group} (${packed.byteLength} bytes), found others (${info.size} bytes, ${theirs?.who ?? 'of an unknown process'}); train the same encoder with the same version everywhere, or name another group`,
      );
    }
    return new Float32Array((await persist((from) => download(from, info))).buffer);
  }

  /** A rank that is rounds ahead has removed its state of this one. */
  async function checkNotPast(other: number): Promise<void> {
    const places = (await persist((from) => from.list())).flatMap(({ name }) => placeOf(name) ?? []);
    const ahead = places.find((place) => place.rank === other && place.round > round);
    if (!ahead) return;
    throw new InputError(
      `average: expected the state of step ${round} of rank ${other} in group ${group}, but that rank is at step ${ahead.round}: the checkpoint here is too old; copy the run folder of another rank, with rank ${rank} in its config.json, and resume`,
    );
  }

  return {
    /** The state that stands for this rank. */
    put: (): Promise<Float32Array> =>
      persist(async (into) => {
        const name = stateName(round, rank);
        const before = await into.info(name);
        if (before && !before.deleted) {
          return parseCard(before.metadata?.card)?.id === card.id ? packed : read(before);
        }
        const metadata = { card: JSON.stringify(card), layout };
        // Refused where something was put in the meantime: what stands is not replaced.
        const previousRevision = before?.revision ?? 0;
        await into.putBlob({ name, metadata }, new Uint8Array(packed.buffer), { previousRevision });
        return packed;
      }),

    /** The state of another rank, as soon as it is there. */
    async take(other: number): Promise<Float32Array> {
      const name = stateName(round, other);
      for (let pause = POLL_MS.first; ; pause = Math.min(1.5 * pause, POLL_MS.most)) {
        const info = await persist((from) => from.info(name));
        if (info && !info.deleted) return read(info);
        if (pause === POLL_MS.first) await checkNotPast(other);
        goOn(
          `no state of rank ${other} in group ${group}`,
          'see whether it runs, then resume every process that has stopped',
        );
        await sleep(pause);
      }
    },

    /** Removes the states of this rank before the last round. Returns the rounds of those that are left. */
    async removeOlder(rounds: readonly number[]): Promise<number[]> {
      const last = Math.max(...rounds.filter((other) => other < round));
      for (const old of rounds.filter((other) => other < last)) {
        await persist((from) => from.delete(stateName(old, rank)));
      }
      return [...rounds.filter((other) => other >= last && other !== round), round];
    },
  };
}

/** Says that this process needs nothing any more; the last to do so removes the bucket. */
async function leave({ objects, bucket, card }: Session): Promise<void> {
  const store = await objects.open(bucket);
  await store.putBlob({ name: finishedName(card.rank) }, null);
  for (let rank = 0; rank < card.world; rank++) if (!(await isThere(store, finishedName(rank)))) return;
  await store.destroy();
}

/**
 * Joins the processes that train together as `group`. Those that run, and the states that were put before, are looked at
 * first.
 *
 * In a round every rank puts its state as the object `round/rank`, waits for those of all others, and takes the mean.
 * Three rules let a rank that was killed at any moment go on from its last checkpoint, while the others wait for it:
 * - A state that was put stands. A rank that comes to a round again takes what it has put, not what it has made anew: all
 *   ranks average the same bytes, even if it now runs on a machine that rounds differently.
 * - A rank keeps every mean on the disk before it puts its next state (`train` does so). Whoever has seen the states of
 *   all ranks in a round knows that each has kept the mean of the round before, and will not ask for that round again.
 * - So a rank that has finished a round removes its own states but those of this round and of the one before. The latter
 *   is for a rank whose last checkpoint is damaged, and which goes on from the one before.
 *
 * @throws InputError for servers that cannot be reached or have no JetStream; another process with this rank; another
 * world size or other settings in the group; states of this rank without `resume`. `average` throws one for other
 * parameters, for a rank that does not come in time, and for a checkpoint older than what the others keep.
 */
export async function connectExchange(options: ExchangeOptions): Promise<Exchange> {
  const { group, world, rank, settings, resume = false, timeoutSeconds = 3600, note = () => {} } = options;
  if (!/^[\w-]+$/.test(group)) {
    throw new InputError(`connectExchange: expected letters, digits, - and _ as the group, got ${group}`);
  }
  if (!(Number.isInteger(world) && Number.isInteger(rank) && rank >= 0 && rank < world)) {
    throw new InputError(`connectExchange: expected a rank from 0 to below the world size, got ${rank} of ${world}`);
  }
  const bucket = `thrum-${group}`;
  const { connection, names } = await connectServers(options.servers, bucket);
  try {
    const card = ownCard(world, rank, settings);
    const throwMisfit = await meet(connection, card, group);
    const objects = new Objm(connection);
    const session = { connection, objects, names, group, bucket, card, timeoutSeconds, note, throwMisfit };
    let kept = await lookBack(session, resume);
    return {
      world,
      rank,
      async average(round, state) {
        throwMisfit();
        const { put, take, removeOlder } = createRound(session, round, state);
        const own = await put();
        const mean = createMean(own.length);
        for (let r = 0; r < world; r++) mean.add(r === rank ? own : await take(r));
        unpackState(mean.mean(), state);
        kept = await removeOlder(kept);
      },
      async close(finished = false) {
        try {
          if (finished) await leave(session);
        } catch {
          // The run has all it needs: a bucket that stays is no fault of it.
        } finally {
          await connection.close();
        }
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
