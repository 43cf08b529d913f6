// A new machine: its normal recordings are dropped, taken in, and a detector is fitted before one's eyes.
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCount, formatNumber } from '../../../src/report/format.ts';
import type { ApiJob } from '../backend/api.ts';
import { useLive, useShared } from '../context.ts';
import { isName } from '../format.ts';
import { followJob, type Intake, machineName, sortFiles, takeIn } from '../intake.ts';
import { Drop } from '../parts/drop.tsx';
import { Bar, IntakeBar, RefusedList } from '../parts/progress.tsx';
import { machineAddress } from '../route.ts';

type Phase = 'waiting' | 'taking' | 'fitting' | 'done' | 'failed';

/** The default of the command line. */
const RATE = 0.01;

export function Add() {
  const { backend, live, say } = useShared();
  const { machines } = useLive();
  const [name, setName] = useState('');
  const [encoder, setEncoder] = useState(backend.encoders[0]);
  const [rate, setRate] = useState(RATE);
  const [segment, setSegment] = useState('');
  const [phase, setPhase] = useState<Phase>('waiting');
  const [intake, setIntake] = useState<Intake>();
  const [job, setJob] = useState<ApiJob>();
  const [problem, setProblem] = useState('');
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);

  const learn = async (machine: string): Promise<void> => {
    setPhase('fitting');
    const seconds = Number(segment.replace(',', '.'));
    const first = await backend.fit(machine, {
      machine,
      encoder,
      falseAlarmRate: rate,
      segmentSeconds: seconds > 0 ? seconds : null,
    });
    const ended = await followJob(
      backend,
      first,
      (listener) => live.onEvent((event) => event.type === 'job' && listener(event.data)),
      setJob,
    );
    setJob(ended);
    setPhase(ended.state === 'done' ? 'done' : 'failed');
    if (ended.error) setProblem(ended.error);
    say(ended.state === 'done' ? `The detector of ${machine} is fitted.` : `Fitting failed: ${ended.error ?? ''}`);
    await live.reload();
  };
  const start = async (given: File[], folder?: string): Promise<void> => {
    const files = sortFiles(given);
    const machine = name || machineName(files, folder);
    setName(machine);
    setProblem('');
    setJob(undefined);
    if (!isName(machine)) {
      setProblem('Name the machine with letters, digits, ".", "_" and "-", at most 64.');
      return;
    }
    control.current = new AbortController();
    setPhase('taking');
    try {
      const taken = await takeIn(backend, machine, files, false, setIntake, control.current.signal);
      if (control.current.signal.aborted) return;
      if (taken.uploaded.length === 0) {
        setPhase('failed');
        setProblem('None of the files could be used.');
        return;
      }
      await learn(machine);
    } catch (error) {
      setPhase('failed');
      setProblem((error as Error).message);
    }
  };

  const stop = (): void => {
    control.current?.abort();
    setPhase('waiting');
  };
  const busy = phase === 'taking' || phase === 'fitting';
  const detector = job?.detector;
  return (
    <>
      <h1>Add a machine</h1>
      <p class="lead">
        Give it recordings of the machine while it is well: a folder of ten or more. Thrum learns from them what normal
        is, and says of every other recording whether it is like that.
        {backend.kind === 'local' && ' Everything stays on this device.'}
      </p>
      {backend.kind === 'local' && !isSecureContext && (
        <p class="problem">
          Browsers allow what this needs on https and on localhost only; open the page from such an address.
        </p>
      )}
      <div class="panel form">
        <label>
          Name of the machine
          <input
            value={name}
            disabled={busy}
            placeholder="as the folder, where it is left empty"
            onInput={(event) => setName(event.currentTarget.value.trim())}
          />
        </label>
        {name !== '' && machines.has(name) && phase === 'waiting' && (
          <p class="caption">
            There is a machine of this name; the recordings are added to it, and its detector is fitted again.
          </p>
        )}
        <details>
          <summary>More choices</summary>
          <div class="form-grid">
            <label>
              Encoder
              <select value={encoder} disabled={busy} onChange={(event) => setEncoder(event.currentTarget.value)}>
                {backend.encoders.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </label>
            <label>
              False alarms among normal recordings
              <select value={rate} disabled={busy} onChange={(event) => setRate(Number(event.currentTarget.value))}>
                {[0.05, 0.01, 0.001].map((one) => (
                  <option key={one} value={one}>
                    {formatNumber(100 * one)} %
                  </option>
                ))}
              </select>
            </label>
            <label>
              Cut into pieces of … seconds
              <input
                inputMode="decimal"
                value={segment}
                disabled={busy}
                placeholder="whole recordings"
                onInput={(event) => setSegment(event.currentTarget.value)}
              />
            </label>
          </div>
        </details>
      </div>
      <Drop
        title="Drop a folder of normal recordings here"
        hint="WAV, FLAC, Ogg, MP3, MATLAB, HDF5, NumPy, TDMS or CSV; sound, vibration, current, at any rate."
        disabled={busy}
        onFiles={start}
      />
      {(intake || problem) && (
        <div class="panel steps" aria-live="polite">
          {intake && <IntakeBar intake={intake} />}
          {phase === 'taking' && (
            <button type="button" onClick={stop}>
              Stop
            </button>
          )}
          {phase !== 'taking' && (job || phase === 'fitting') && (
            <Bar
              label={
                phase === 'fitting'
                  ? job && job.total > 0
                    ? `Learning what normal is: ${job.done} of ${formatCount(job.total, 'recording')} heard`
                    : 'Learning what normal is …'
                  : phase === 'done'
                    ? 'Fitted'
                    : 'Not fitted'
              }
              done={phase === 'done' ? 1 : (job?.done ?? 0)}
              total={phase === 'done' ? 1 : (job?.total ?? 1)}
            />
          )}
          {problem && <p class="problem">{problem}</p>}
          {phase === 'failed' && intake && intake.uploaded.length > 0 && (
            <button type="button" onClick={() => learn(name).catch((error: Error) => setProblem(error.message))}>
              Fit again
            </button>
          )}
          {detector && phase === 'done' && (
            <p>
              <strong>{name}</strong> is listened to with {detector.encoder}:{' '}
              {formatCount(detector.segments, 'segment')} in memory
              {detector.threshold !== undefined && `, threshold ${formatNumber(detector.threshold)}`}.{' '}
              <a href={machineAddress(name)} class="button primary">
                Open {name}
              </a>
            </p>
          )}
          {job?.warnings.map((warning) => (
            <p class="caption" key={warning}>
              {warning}
            </p>
          ))}
          <RefusedList refused={[...(intake?.refused ?? []), ...(job?.failures ?? [])]} />
        </div>
      )}
    </>
  );
}
