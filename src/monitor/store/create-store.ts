// The store over any database that speaks its SQL.
import { createDetectorMethods, createMachineMethods } from './detectors.ts';
import { createExpireMethods } from './expire.ts';
import { createJsonMethods } from './json.ts';
import { createNoteMethods } from './notes.ts';
import { createResultMethods } from './results.ts';
import type { Sql } from './sql.ts';
import { createStatusMethods } from './status.ts';
import type { Store } from './types.ts';
import { createUntoldMethods } from './untold.ts';

/** Tables must be there, see `migrate`. */
export function createStore(sql: Sql): Store {
  return {
    ...createDetectorMethods(sql),
    ...createMachineMethods(sql),
    ...createResultMethods(sql),
    ...createNoteMethods(sql),
    ...createJsonMethods(sql),
    ...createStatusMethods(sql),
    ...createExpireMethods(sql),
    ...createUntoldMethods(sql),

    async totals() {
      const [row] = await sql.query(`select
        cast(coalesce(sum(recordings), 0) as bigint) as recordings,
        cast(coalesce(sum(scores), 0) as bigint) as scores,
        coalesce(sum(audio_bytes), 0) as audio_bytes,
        (select count(*) from alarms where cleared_ms is null) as open_alarms,
        (select count(*) from dead_letters) as dead_letters
        from machine_counts`);
      return {
        recordings: row.recordings as number,
        scores: row.scores as number,
        openAlarms: row.open_alarms as number,
        audioBytes: row.audio_bytes as number,
        deadLetters: row.dead_letters as number,
      };
    },

    async ping() {
      await sql.query('select max(version) from thrum_schema');
    },

    close: () => sql.close(),
  };
}
