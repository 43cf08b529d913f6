// Further files for a machine: each gets its verdict; or, without a detector, one is fitted to them.
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../../../src/report/format.ts';
import type { ApiJob, ApiUploaded } from '../backend/api.ts';
import { useAction, useShared } from '../context.ts';
import { followJob, type Intake, sortFiles, takeIn } from '../intake.ts';
import { Drop } from '../parts/drop.tsx';
import { Bar, IntakeBar, RefusedList } from '../parts/progress.tsx';
import { State } from '../parts/sign.tsx';
import { machineAddress } from '../route.ts';

type Props = { machine: string; detector?: string; recordings: number; onTaken(): void };

/** Rows that are shown; thousands of them would help no one. */
const MOST_ROWS = 200;

export function MoreFiles({ machine, detector, recordings, onTaken }: Props) {
  const { backend, live, say } = useShared();
  const [intake, setIntake] = useState<Intake>();
  const [job, setJob] = useState<ApiJob>();
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const { busy, error, run } = useAction();

  const take = (files: File[]) =>
    run(async () => {
      control.current = new AbortController();
      const taken = await takeIn(
        backend,
        machine,
        sortFiles(files),
        detector !== undefined,
        setIntake,
        control.current.signal,
      );
      const wrong = taken.uploaded.filter(({ scores }) => scores.some(({ anomalous }) => anomalous)).length;
      say(`${taken.uploaded.length} files taken in, ${wrong} not normal, ${taken.refused.length} could not be used.`);
      onTaken();
    });
  const fit = () =>
    run(async () => {
      const name = detector ?? machine;
      const ended = await followJob(
        backend,
        await backend.fit(name, { machine }),
        (listener) => live.onEvent((event) => event.type === 'job' && listener(event.data)),
        setJob,
      );
      setJob(ended);
      if (ended.error) throw new Error(ended.error);
      say('The detector is fitted.');
      await live.reload();
      onTaken();
    });
  return (
    <section aria-labelledby="files-title" class="panel">
      <h2 id="files-title">Files</h2>
      <Drop
        title={detector ? 'Drop recordings to hear what is said of them' : 'Drop normal recordings'}
        hint="A folder or files. What cannot be read is listed; the rest goes on."
        disabled={busy}
        onFiles={take}
      />
      <div class="steps" aria-live="polite">
        {intake && <IntakeBar intake={intake} />}
        {busy && intake && intake.done < intake.files && (
          <button type="button" onClick={() => control.current?.abort()}>
            Stop
          </button>
        )}
        {job && job.state !== 'done' && (
          <Bar label={`Learning: ${job.done} of ${job.total} recordings heard`} done={job.done} total={job.total} />
        )}
        {error && <p class="problem">{error}</p>}
        <RefusedList refused={[...(intake?.refused ?? []), ...(job?.failures ?? [])]} />
      </div>
      {intake && <Verdicts machine={machine} uploaded={intake.uploaded} />}
      {!detector && recordings > 0 && (
        <p class="row">
          <button type="button" class="primary" disabled={busy} onClick={fit}>
            Fit a detector to its recordings
          </button>
        </p>
      )}
    </section>
  );
}

function Verdicts({ machine, uploaded }: { machine: string; uploaded: readonly ApiUploaded[] }) {
  const rows = uploaded.filter(({ scores }) => scores.length > 0);
  if (rows.length === 0) return null;
  return (
    <div class="table-frame">
      <table class="verdicts">
        <caption class="unseen">Verdicts</caption>
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Verdict</th>
            <th scope="col" class="number">
              Score
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(-MOST_ROWS).map(({ recording, scores }) => {
            const worst = scores.reduce((a, b) => (b.score > a.score ? b : a));
            return (
              <tr key={recording.hash}>
                <th scope="row">
                  <a href={machineAddress(machine, worst)}>{recording.name}</a>
                </th>
                <td>
                  <State health={worst.constant ? 'sensor' : worst.anomalous ? 'fault' : 'normal'} />
                </td>
                <td class="number">{formatNumber(worst.score)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
