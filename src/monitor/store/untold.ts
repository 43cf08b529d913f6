// Who is still to be told of which change of an alarm: written down with the change itself, so that no process that dies
// takes it along. A channel is a way out (`webhook`, `mqtt`) that all processes with that way out share.
import type { AlarmChange } from '../alarm/types.ts';
import { limitOf } from './pages.ts';
import type { Query, Sql, SqlValue } from './sql.ts';
import type { Store } from './types.ts';

/** What is older is of no use to anybody who waits for alarms. */
export const UNTOLD_MS = 86_400_000;

/** In the transaction that decides. */
export async function writeChanges(run: Query, changes: readonly AlarmChange[]): Promise<void> {
  for (const change of changes) {
    await run('insert into alarm_changes (machine, decided_ms, content) values ($1, $2, $3)', [
      change.machine,
      Date.now(),
      JSON.stringify(change),
    ]);
  }
}

export const forgetChanges = (run: Query): Promise<unknown> =>
  run('delete from alarm_changes where decided_ms < $1', [Date.now() - UNTOLD_MS]);

type UntoldMethods = Pick<Store, 'openChannel' | 'takeUntold' | 'holdUntold' | 'endUntold'>;

export function createUntoldMethods({ query, transaction }: Sql): UntoldMethods {
  const forEach = (text: string, channel: string, ids: readonly number[], values: readonly SqlValue[] = []) =>
    transaction(async (run) => {
      for (const id of ids) await run(text, [channel, id, ...values]);
    });
  return {
    async openChannel(channel) {
      await query(
        `insert into channels (name, first_id) select $1, coalesce(max(id), 0) + 1 from alarm_changes where true
        on conflict (name) do nothing`,
        [channel],
      );
    },

    takeUntold: ({ channel, nowMs, untilMs, ...page }) =>
      transaction(async (run) => {
        const rows = await run(
          `select alarm_changes.id, content from alarm_changes
          left join tellings on tellings.change_id = alarm_changes.id and tellings.channel = $1
          where alarm_changes.id >= (select first_id from channels where name = $1) and decided_ms >= $2
            and (tellings.change_id is null or (tellings.done = 0 and tellings.until_ms <= $3))
          order by alarm_changes.id limit $4`,
          [channel, nowMs - UNTOLD_MS, nowMs, limitOf('takeUntold', page)],
        );
        const taken = [];
        for (const { id, content } of rows) {
          // Another process may take the same at this moment: only one of them gets a row back.
          const won = await run(
            `insert into tellings (channel, change_id, until_ms, done) values ($1, $2, $3, 0)
            on conflict (channel, change_id) do update set until_ms = excluded.until_ms
              where tellings.done = 0 and tellings.until_ms <= $4 returning change_id`,
            [channel, id as number, untilMs, nowMs],
          );
          if (won.length > 0) taken.push({ id: id as number, change: JSON.parse(content as string) as AlarmChange });
        }
        return taken;
      }),

    holdUntold: (channel, ids, untilMs) =>
      forEach('update tellings set until_ms = $3 where channel = $1 and change_id = $2 and done = 0', channel, ids, [
        untilMs,
      ]),

    endUntold: (channel, ids) =>
      forEach('update tellings set done = 1 where channel = $1 and change_id = $2', channel, ids),
  };
}
