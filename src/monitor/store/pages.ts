// The statements behind pages of rows, for those who want values and those who want JSON.
import { InputError } from '../../signal/errors.ts';
import { createConditions, type SqlValue } from './sql.ts';
import type { Page, RecordingsPage } from './types.ts';

const DEFAULT_LIMIT = 1000;

/** How many rows a page may have. */
export function limitOf(what: string, { limit = DEFAULT_LIMIT }: { limit?: number }): number {
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new InputError(`${what}: expected a limit of 1 or more, got ${limit}`);
}

/** `backward`: the rows come in the order opposite to that of the page. */
export type PageQuery = { text: string; values: SqlValue[]; backward: boolean };

export function recordingsPage(page: RecordingsPage): PageQuery {
  const { values, and, andThat, place, where } = createConditions();
  and('machine =', page.machine);
  and('start_ms >=', page.fromMs);
  and('start_ms <', page.toMs);
  if (page.before) andThat(`(start_ms, hash) < (${place(page.before.startMs)}, ${place(page.before.hash)})`);
  const limit = place(limitOf('recordings', page));
  const order = 'order by start_ms desc, hash desc';
  return { text: `select * from recordings ${where()} ${order} limit ${limit}`, values, backward: false };
}

const SCORE_ORDER = ['start_ms', 'hash', 'detector', 'version', 'idx'];
/** The newest first, each in its place among those that began at the same time. */
export const NEWEST_SCORE = SCORE_ORDER.map((column) => `${column} desc`).join(', ');

export function scoresPage(page: Page & { hash?: string }): PageQuery {
  const { values, and, place, where } = createConditions();
  and('machine =', page.machine);
  and('hash =', page.hash);
  and('start_ms >=', page.fromMs);
  and('start_ms <', page.toMs);
  const limit = place(limitOf('scores', page));
  // From a time on, page by page; or else those that end the range.
  const forward = page.fromMs !== undefined;
  const order = forward ? SCORE_ORDER.join(', ') : NEWEST_SCORE;
  return { text: `select * from scores ${where()} order by ${order} limit ${limit}`, values, backward: !forward };
}

export function alarmsPage(page: Page & { open?: boolean }): PageQuery {
  const { values, and, andThat, place, where } = createConditions();
  and('machine =', page.machine);
  and('raised_ms >=', page.fromMs);
  and('raised_ms <', page.toMs);
  if (page.open !== undefined) andThat(`cleared_ms is ${page.open ? '' : 'not '}null`);
  const limit = place(limitOf('alarms', page));
  const order = 'order by raised_ms desc, id desc';
  return { text: `select * from alarms ${where()} ${order} limit ${limit}`, values, backward: false };
}
