// Rows and bytes of each machine, counted by the database itself: whoever writes, an older program too, they stay right.
import type { Sql } from './sql.ts';

const COUNTS = 'machine_counts (machine, recordings, scores, audio_bytes)';

/** Bytes of audio of a recording, old or new. */
const audio = (row: string): string => `case when ${row}.blob is null then 0 else ${row}.bytes end`;

const rowTrigger = (name: string, when: string, statement: string): string =>
  `create trigger ${name} after ${when} for each row begin ${statement}; end`;

const sqlite = [
  rowTrigger(
    'recordings_added',
    'insert on recordings',
    `insert into ${COUNTS} values (new.machine, 1, 0, ${audio('new')}) on conflict (machine)
    do update set recordings = recordings + 1, audio_bytes = audio_bytes + excluded.audio_bytes`,
  ),
  rowTrigger(
    'recordings_removed',
    'delete on recordings',
    `update machine_counts set recordings = recordings - 1, audio_bytes = audio_bytes - ${audio('old')}
    where machine = old.machine`,
  ),
  rowTrigger(
    'recordings_changed',
    'update of blob on recordings',
    `update machine_counts set audio_bytes = audio_bytes + ${audio('new')} - ${audio('old')}
    where machine = new.machine`,
  ),
  rowTrigger(
    'scores_added',
    'insert on scores',
    `insert into ${COUNTS} values (new.machine, 0, 1, 0) on conflict (machine) do update set scores = scores + 1`,
  ),
  rowTrigger(
    'scores_removed',
    'delete on scores',
    `update machine_counts set scores = scores - 1 where machine = old.machine`,
  ),
];

/** Once for a statement, not for each row: a row that is updated a million times in one transaction makes it slow. */
const statementTrigger = (name: string, when: string, tables: string, statement: string): string[] => [
  `create function thrum_${name}() returns trigger language plpgsql as $$ begin ${statement}; return null; end $$`,
  `create trigger ${name} after ${when} referencing ${tables} for each statement execute function thrum_${name}()`,
];
const sumAudio = 'coalesce(sum(bytes) filter (where blob is not null), 0)';
const subtract = (columns: string, from: string): string =>
  `update machine_counts set ${columns} from (select machine, count(*) as rows, ${from === 'scores' ? '0' : sumAudio} as audio
    from gone group by machine) as lost where machine_counts.machine = lost.machine`;

const postgres = [
  ...statementTrigger(
    'recordings_added',
    'insert on recordings',
    'new table as come',
    `insert into ${COUNTS} select machine, count(*), 0, ${sumAudio} from come group by machine order by machine
    on conflict (machine) do update set recordings = machine_counts.recordings + excluded.recordings,
      audio_bytes = machine_counts.audio_bytes + excluded.audio_bytes`,
  ),
  ...statementTrigger(
    'recordings_removed',
    'delete on recordings',
    'old table as gone',
    subtract('recordings = recordings - lost.rows, audio_bytes = audio_bytes - lost.audio', 'recordings'),
  ),
  ...statementTrigger(
    'recordings_changed',
    'update on recordings',
    'old table as gone new table as come',
    `update machine_counts set audio_bytes = audio_bytes + changed.audio from (
      select machine, sum(audio) as audio from (
        select machine, bytes as audio from come where blob is not null
        union all select machine, -bytes from gone where blob is not null) as each
      group by machine) as changed
    where machine_counts.machine = changed.machine and changed.audio <> 0`,
  ),
  ...statementTrigger(
    'scores_added',
    'insert on scores',
    'new table as come',
    `insert into ${COUNTS} select machine, 0, count(*), 0 from come group by machine order by machine
    on conflict (machine) do update set scores = machine_counts.scores + excluded.scores`,
  ),
  ...statementTrigger(
    'scores_removed',
    'delete on scores',
    'old table as gone',
    subtract('scores = scores - lost.rows', 'scores'),
  ),
];

export const countingTriggers: Record<Sql['dialect'], readonly string[]> = { sqlite, postgres };
