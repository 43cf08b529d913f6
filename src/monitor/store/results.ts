// What was heard, and the alarms that follow from it: stored together or not at all.
import { InputError } from '../../signal/errors.ts';
import { alarmsPage, recordingsPage, scoresPage } from './pages.ts';
import { alarmOf, detailsOf, places, recordingOf, scoreOf } from './rows.ts';
import { createConditions, type Query, type Sql } from './sql.ts';
import type { RecordingKey, ScoredResult, Store, StoredRecording, StoredScore } from './types.ts';
import { writeChanges } from './untold.ts';

/** Ends a transaction without an error, and undoes all of it. */
const CONFLICT = Symbol('conflict');

function checkResult({ recording, scores, alarms }: ScoredResult): void {
  const { machine, hash } = recording;
  for (const score of scores) {
    if (score.machine !== machine || score.hash !== hash) {
      throw new InputError(
        `record: expected scores of recording ${hash} of ${machine}, got one of ${score.hash} of ${score.machine}`,
      );
    }
    const numbers = { score: score.score, 'p value': score.pValue, threshold: score.threshold, start: score.startMs };
    const wrong = Object.entries(numbers).find(([, value]) => Number.isNaN(value));
    if (wrong) throw new InputError(`record: expected a number as ${wrong[0]} of ${hash} of ${machine}, got NaN`);
  }
  const other = alarms?.changes.find((change) => change.machine !== machine);
  if (other) throw new InputError(`record: expected alarms of ${machine}, got one of ${other.machine}`);
}

/**
 * True where the recording was not there. One that has lost its audio is given it again: the bytes lie in the blobs now,
 * and what no row names is never removed from there.
 */
async function insertRecording(run: Query, recording: StoredRecording): Promise<boolean> {
  const { machine, hash, blob } = recording;
  const values = [
    ...[machine, hash, recording.name, recording.startMs, recording.durationSeconds, recording.sampleRate],
    ...[recording.bytes, recording.receivedMs, blob, recording.variable],
  ];
  const inserted = await run(
    `insert into recordings (machine, hash, name, start_ms, duration_seconds, sample_rate, bytes, received_ms, blob,
      variable)
    values (${places(values)}) on conflict (machine, hash) do nothing returning hash`,
    values,
  );
  if (inserted.length > 0) return true;
  if (blob !== undefined) {
    await run('update recordings set blob = $3 where machine = $1 and hash = $2 and blob is null', [
      machine,
      hash,
      blob,
    ]);
  }
  return false;
}

async function insertScore(run: Query, score: StoredScore): Promise<boolean> {
  const values = [
    ...[score.machine, score.hash, score.detector, score.version, score.index, score.startMs, score.durationSeconds],
    ...[score.sampleRate, Number(score.constant), score.score, score.pValue, score.threshold],
    ...[Number(score.anomalous), detailsOf(score), Number(score.learned ?? false)],
  ];
  const inserted = await run(
    `insert into scores (machine, hash, detector, version, idx, start_ms, duration_seconds, sample_rate, constant,
      score, p_value, threshold, anomalous, details, learned)
    values (${places(values)}) on conflict (machine, hash, detector, version, idx) do nothing returning idx`,
    values,
  );
  return inserted.length > 0;
}

/** False where each version named has scored the recording before: what a version has said once stays as it is. */
async function insertScores(run: Query, scores: readonly StoredScore[]): Promise<boolean> {
  // In the order of their key, so that two that store the same wait for each other, not crosswise.
  const ordered = [...scores].sort(
    (a, b) => compare(a.detector, b.detector) || a.version - b.version || a.index - b.index,
  );
  let any = false;
  let known: StoredScore | undefined;
  for (const score of ordered) {
    if (known?.detector === score.detector && known.version === score.version) continue;
    if (await insertScore(run, score)) any = true;
    else known = score;
  }
  return any;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** False where the state is no longer that which the decision was made on. */
async function decide(
  run: Query,
  machine: string,
  { changes, state, revision }: NonNullable<ScoredResult['alarms']>,
): Promise<boolean> {
  const stored =
    revision === 0
      ? await run(
          `insert into alarm_states (machine, revision, state) values ($1, 1, $2)
          on conflict (machine) do nothing returning revision`,
          [machine, JSON.stringify(state)],
        )
      : await run(
          `update alarm_states set revision = revision + 1, state = $3
          where machine = $1 and revision = $2 returning revision`,
          [machine, revision, JSON.stringify(state)],
        );
  if (stored.length === 0) return false;
  for (const { kind, change, atMs, sinceMs, reason } of changes) {
    if (change === 'raised') {
      await run(
        `insert into alarms (machine, kind, raised_ms, since_ms, reason) values ($1, $2, $3, $4, $5)
        on conflict (machine, kind) where cleared_ms is null do nothing`,
        [machine, kind, atMs, sinceMs, JSON.stringify(reason)],
      );
    } else {
      await run('update alarms set cleared_ms = $3 where machine = $1 and kind = $2 and cleared_ms is null', [
        machine,
        kind,
        atMs,
      ]);
    }
  }
  await writeChanges(run, changes);
  return true;
}

async function checkMachine(run: Query, what: string, machine: string): Promise<void> {
  const [found] = await run('select 1 as found from machines where name = $1', [machine]);
  if (!found) throw new InputError(`${what}: expected a machine that is stored, found no ${machine}; put it first`);
}

type ResultMethods = Pick<
  Store,
  | 'alarmState'
  | 'record'
  | 'recordAlarms'
  | 'isKnown'
  | 'recordings'
  | 'recording'
  | 'recordingNamed'
  | 'scores'
  | 'alarms'
  | 'alarm'
  | 'acknowledge'
>;

export function createResultMethods({ query, transaction }: Sql): ResultMethods {
  /** Runs `work`; undoes all of it, and returns `conflict`, where that throws CONFLICT. */
  const unlessConflict = async <T>(work: (run: Query) => Promise<T>): Promise<T | 'conflict'> => {
    try {
      return await transaction(work);
    } catch (error) {
      if (error === CONFLICT) return 'conflict';
      throw error;
    }
  };

  return {
    async alarmState(machine) {
      const [row] = await query('select revision, state from alarm_states where machine = $1', [machine]);
      return row ? { state: JSON.parse(row.state as string), revision: row.revision as number } : { revision: 0 };
    },

    async record(result) {
      const { recording, scores, alarms } = result;
      checkResult(result);
      return unlessConflict(async (run) => {
        await checkMachine(run, 'record', recording.machine);
        const added = await insertRecording(run, recording);
        const stored = await insertScores(run, scores);
        if (scores.length > 0 ? !stored : !added) return 'known';
        if (alarms && !(await decide(run, recording.machine, alarms))) throw CONFLICT;
        return 'stored';
      });
    },

    recordAlarms: (machine, alarms) =>
      unlessConflict(async (run) => {
        await checkMachine(run, 'recordAlarms', machine);
        if (!(await decide(run, machine, alarms))) throw CONFLICT;
        return 'stored' as const;
      }),

    async isKnown({ machine, hash }, detector) {
      const { values, and, where } = createConditions();
      and('machine =', machine);
      and('hash =', hash);
      and('detector =', detector?.name);
      and('version =', detector?.version);
      return (await query(`select 1 as found from scores ${where()} limit 1`, values)).length > 0;
    },

    async recordings(page) {
      const { text, values } = recordingsPage(page);
      return (await query(text, values)).map(recordingOf);
    },

    async recording({ machine, hash }: RecordingKey) {
      const [row] = await query('select * from recordings where machine = $1 and hash = $2', [machine, hash]);
      return row && recordingOf(row);
    },

    async recordingNamed({ machine, name, hashStart }) {
      const { values, and, andThat, where } = createConditions();
      and('machine =', machine);
      and('name =', name);
      and('hash >=', hashStart);
      // Hexadecimal digits come before this letter.
      and('hash <', hashStart && `${hashStart}g`);
      andThat('blob is not null');
      const order = 'order by start_ms desc, hash desc';
      const [row] = await query(`select * from recordings ${where()} ${order} limit 1`, values);
      return row && recordingOf(row);
    },

    async scores(page) {
      const { text, values, backward } = scoresPage(page);
      const scores = (await query(text, values)).map(scoreOf);
      return backward ? scores.reverse() : scores;
    },

    async alarms(page) {
      const { text, values } = alarmsPage(page);
      return (await query(text, values)).map(alarmOf);
    },

    async alarm(id) {
      if (!Number.isSafeInteger(id)) return undefined;
      const [row] = await query('select * from alarms where id = $1', [id]);
      return row && alarmOf(row);
    },

    async acknowledge(id, by) {
      if (!Number.isSafeInteger(id)) return false;
      const set = 'set acknowledged_by = coalesce(acknowledged_by, $2)';
      return (await query(`update alarms ${set} where id = $1 returning id`, [id, by])).length > 0;
    },
  };
}
