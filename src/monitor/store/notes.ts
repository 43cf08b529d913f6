// What humans and accidents leave behind: labels, dead letters, keys.
import { InputError } from '../../signal/errors.ts';
import { limitOf } from './pages.ts';
import { keyOf, labelOf, letterOf, places } from './rows.ts';
import { createConditions, type Sql } from './sql.ts';
import type { Store } from './types.ts';

type NoteMethods = Pick<
  Store,
  'addLabel' | 'labels' | 'label' | 'undoLabel' | 'bury' | 'deadLetters' | 'addKey' | 'keys' | 'keyByHash' | 'revokeKey'
>;

export function createNoteMethods({ query, transaction }: Sql): NoteMethods {
  return {
    addLabel: ({ machine, hash, label, by, createdMs, version }) =>
      transaction(async (run) => {
        const [found] = await run('select 1 as found from recordings where machine = $1 and hash = $2', [
          machine,
          hash,
        ]);
        if (!found) {
          throw new InputError(`addLabel: expected a recording that is stored, found no ${hash} of ${machine}`);
        }
        const values = [machine, hash, label, by, createdMs, version, 0];
        const [row] = await run(
          `insert into labels (machine, hash, label, author, created_ms, version, undone)
          values (${places(values)}) returning *`,
          values,
        );
        return labelOf(row);
      }),

    async labels(page) {
      const { values, and, place, where } = createConditions();
      and('machine =', page.machine);
      and('created_ms >=', page.fromMs);
      and('created_ms <', page.toMs);
      const limit = place(limitOf('labels', page));
      const order = 'order by created_ms desc, id desc';
      return (await query(`select * from labels ${where()} ${order} limit ${limit}`, values)).map(labelOf);
    },

    async label(id) {
      if (!Number.isSafeInteger(id)) return undefined;
      const [row] = await query('select * from labels where id = $1', [id]);
      return row && labelOf(row);
    },

    async undoLabel(id) {
      if (!Number.isSafeInteger(id)) return false;
      const undo = 'update labels set undone = 1 where id = $1 and undone = 0 returning id';
      return (await query(undo, [id])).length > 0;
    },

    async bury({ machine, hash, source, reason, atMs, attempts, blob }) {
      const values = [machine, hash, source, reason, atMs, attempts, blob];
      await query(
        `insert into dead_letters (machine, hash, source, reason, at_ms, attempts, blob) values (${places(values)})
        on conflict (machine, hash) where hash <> '' do update set source = excluded.source, reason = excluded.reason,
          at_ms = excluded.at_ms, attempts = excluded.attempts, blob = coalesce(excluded.blob, dead_letters.blob)`,
        values,
      );
    },

    async deadLetters(page) {
      const { values, and, place, where } = createConditions();
      and('machine =', page.machine);
      and('at_ms >=', page.fromMs);
      and('at_ms <', page.toMs);
      const limit = place(limitOf('deadLetters', page));
      const order = 'order by at_ms desc, id desc';
      return (await query(`select * from dead_letters ${where()} ${order} limit ${limit}`, values)).map(letterOf);
    },

    async addKey({ name, scope, hash, createdMs }) {
      const [row] = await query(
        'insert into api_keys (name, scope, hash, created_ms) values ($1, $2, $3, $4) returning *',
        [name, scope, hash, createdMs],
      );
      return keyOf(row);
    },

    keys: async () => (await query('select * from api_keys order by id')).map(keyOf),

    // A key that was revoked is none: who forgets to look at `revokedMs` must not let it in.
    async keyByHash(hash) {
      const [row] = await query('select * from api_keys where hash = $1 and revoked_ms is null', [hash]);
      return row && keyOf(row);
    },

    async revokeKey(id) {
      if (!Number.isSafeInteger(id)) return false;
      const revoke = 'update api_keys set revoked_ms = $2 where id = $1 and revoked_ms is null returning id';
      return (await query(revoke, [id, Date.now()])).length > 0;
    },
  };
}
