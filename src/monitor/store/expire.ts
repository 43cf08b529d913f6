// What the store forgets, and the blobs that are left over by it.
import { InputError } from '../../signal/errors.ts';
import type { Query, Sql } from './sql.ts';
import type { Store } from './types.ts';
import { forgetChanges } from './untold.ts';

/** Rows that one transaction touches at most (and those of the same time as the last), so that others come in between. */
const PIECE = 2000;

/** Writes down blobs that rows no longer name, before those rows are gone: a crash in between then loses none. */
export async function leaveBlobs(run: Query, blobs: readonly string[]): Promise<void> {
  const leave = 'insert into stray_blobs (blob, since_ms) values ($1, $2) on conflict (blob) do nothing';
  for (const blob of new Set(blobs)) await run(leave, [blob, Date.now()]);
}

/** Tables whose rows name blobs. */
const NAMING = ['recordings', 'detectors', 'dead_letters'];
const named = NAMING.map((table) => `exists (select 1 from ${table} where ${table}.blob = stray_blobs.blob)`).join(
  ' or ',
);

/** Those of `blobs` that no row names: the same bytes may belong to several. */
export async function strayAmong(run: Query, blobs: readonly string[]): Promise<string[]> {
  const strays: string[] = [];
  for (const blob of new Set(blobs)) {
    const rows = await run(`select blob from stray_blobs where blob = $1 and not (${named})`, [blob]);
    if (rows.length > 0) strays.push(blob);
  }
  return strays;
}

const KEPT = `(exists (select 1 from labels where labels.machine = recordings.machine
    and labels.hash = recordings.hash and labels.undone = 0)
  or exists (select 1 from learned where learned.machine = recordings.machine and learned.hash = recordings.hash))`;

/** Forgets audio, from the oldest that may go on, as long as `isDue`. Whether more may follow. */
async function expireAudio(
  run: Query,
  piece: number,
  isDue: (row: { startMs: number; bytes: number }) => boolean,
): Promise<boolean> {
  const rows = await run(
    `select machine, hash, start_ms, bytes, blob from recordings where blob is not null and not ${KEPT}
    order by start_ms limit $1`,
    [piece],
  );
  let count = 0;
  while (count < rows.length) {
    const { start_ms, bytes } = rows[count] as { start_ms: number; bytes: number };
    if (!isDue({ startMs: start_ms, bytes })) break;
    count++;
  }
  const expired: string[] = [];
  for (const { machine, hash, blob } of rows.slice(0, count)) {
    const gone = await run(
      `update recordings set blob = null where machine = $1 and hash = $2 and not ${KEPT} returning hash`,
      [machine as string, hash as string],
    );
    if (gone.length > 0) expired.push(blob as string);
  }
  await leaveBlobs(run, expired);
  return count === piece;
}

/** Bytes of audio beyond `maxBytes`. */
async function excessBytes(run: Query, maxBytes: number): Promise<number> {
  const [{ bytes }] = await run('select coalesce(sum(audio_bytes), 0) as bytes from machine_counts');
  return (bytes as number) - maxBytes;
}

async function expireLetters(run: Query, piece: number, beforeMs: number): Promise<boolean> {
  const rows = await run('select id, blob from dead_letters where at_ms < $1 order by at_ms limit $2', [
    beforeMs,
    piece,
  ]);
  await leaveBlobs(
    run,
    rows.flatMap(({ blob }) => (blob === null ? [] : [blob as string])),
  );
  for (const { id } of rows) await run('delete from dead_letters where id = $1', [id as number]);
  return rows.length === piece;
}

/** Deletes rows of `table`, from the oldest on. Whether more follow. */
async function expireByTime(
  run: Query,
  piece: number,
  table: string,
  beforeMs: number,
  condition = '',
): Promise<boolean> {
  const which = `where start_ms < $1 ${condition}`;
  const [last] = await run(`select start_ms from ${table} ${which} order by start_ms limit 1 offset $2`, [
    beforeMs,
    piece,
  ]);
  await run(`delete from ${table} ${which}`, [last ? Math.min((last.start_ms as number) + 1, beforeMs) : beforeMs]);
  return last !== undefined;
}

const EMPTY = `and blob is null
  and not exists (select 1 from scores where scores.machine = recordings.machine and scores.hash = recordings.hash)
  and not exists (select 1 from labels where labels.machine = recordings.machine and labels.hash = recordings.hash)
  and not exists (select 1 from learned where learned.machine = recordings.machine and learned.hash = recordings.hash)`;

export function createExpireMethods({ query, transaction }: Sql, piece = PIECE): Pick<Store, 'expire' | 'forgetBlobs'> {
  /** Repeats a piece until there is none left. */
  const inPieces = async (work: (run: Query) => Promise<boolean>): Promise<void> => {
    while (await transaction(work));
  };
  return {
    async expire({ beforeMs, maxBytes, scoresBeforeMs }) {
      for (const [name, limit] of Object.entries({ beforeMs, maxBytes, scoresBeforeMs })) {
        if (limit !== undefined && !Number.isFinite(limit)) {
          throw new InputError(`expire: expected a number as ${name}, got ${limit}`);
        }
      }
      if (beforeMs !== undefined) {
        await inPieces((run) => expireAudio(run, piece, ({ startMs }) => startMs < beforeMs));
        await inPieces((run) => expireLetters(run, piece, beforeMs));
      }
      if (maxBytes !== undefined) {
        await inPieces(async (run) => {
          let excess = await excessBytes(run, maxBytes);
          return expireAudio(run, piece, ({ bytes }) => {
            const due = excess > 0;
            excess -= bytes;
            return due;
          });
        });
      }
      if (scoresBeforeMs !== undefined) {
        await inPieces((run) => expireByTime(run, piece, 'scores', scoresBeforeMs));
        await inPieces((run) => expireByTime(run, piece, 'recordings', scoresBeforeMs, EMPTY));
      }
      await forgetChanges(query);
      // Bytes that came again meanwhile have a row again.
      await query(`delete from stray_blobs where ${named}`);
      return (await query('select blob from stray_blobs order by since_ms, blob')).map(({ blob }) => blob as string);
    },

    forgetBlobs: (blobs) =>
      transaction(async (run) => {
        for (const blob of blobs) await run('delete from stray_blobs where blob = $1', [blob]);
      }),
  };
}
