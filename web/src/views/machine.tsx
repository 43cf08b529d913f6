// One machine: its timeline, the moment that is looked at, its alarms, threshold, versions, files and settings.
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { formatCount, formatNumber } from '../../../src/report/format.ts';
import { useLive, useLoad, useShared } from '../context.ts';
import { State } from '../parts/sign.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { machineAddress, type Route } from '../route.ts';
import { type Span, spans, useScores } from '../scores.ts';
import { AlarmList } from './alarms.tsx';
import { Moment } from './moment.tsx';
import { MoreFiles } from './more-files.tsx';
import { Settings } from './settings.tsx';
import { Threshold, Versions } from './threshold.tsx';

/** Up to so many recordings all of their scores are shown at first. */
const FEW = 2000;
/** A moment is drawn when the reader has stayed on it so long, in milliseconds. */
const STAY = 180;
/** Past alarms beside the timeline. */
const MOST_ALARMS = 20;

/** A value that has been the same for a while. */
function useSettled<T>(value: T, afterMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}

const spanWords: Record<Span, string> = { day: 'last day', week: 'last week', month: 'last month', all: 'all' };

export function MachineView({ route }: { route: Extract<Route, { view: 'machine' }> }) {
  const { name } = route;
  const { backend, live } = useShared();
  const { machines, loaded, caughtUp } = useLive();
  const status = machines.get(name);
  const [chosenSpan, setSpan] = useState<Span>();
  const span = chosenSpan ?? ((status?.recordings ?? 0) <= FEW ? 'all' : 'week');
  const [changes, setChanges] = useState(0);
  const changed = useCallback(() => setChanges((count) => count + 1), []);
  const revision = changes + caughtUp;
  const length = spans[span];
  // The end moves with every score; where the span begins is found once.
  // as said
  const fromMs = useMemo(
    () => (length === undefined ? undefined : (status?.lastScore?.startMs ?? Date.now()) - length),
    [length, name, status === undefined],
  );
  const { scores, error, loading } = useScores(name, fromMs, revision);
  const labels = useLoad(() => backend.labels(name), [name, revision]);
  const alarms = useLoad(() => backend.alarms({ machine: name }), [name, revision]);
  const { reload } = alarms;
  useEffect(
    () => live.onEvent((event) => event.type === 'alarm' && event.data.machine === name && reload()),
    [live, name, reload],
  );
  const [trial, setTrial] = useState<number>();
  // another machine has another threshold
  useEffect(() => setTrial(undefined), [name]);
  const detector = status?.detector;
  const version = useLoad(async () => (detector === undefined ? [] : backend.versions(detector)), [detector, revision]);
  const current = version.value?.find((one) => one.current);
  const threshold = status?.policy.threshold ?? current?.threshold ?? scores.at(-1)?.threshold ?? 1;
  const found = route.hash ? scores.findIndex(({ hash, index }) => hash === route.hash && index === route.index) : -1;
  const selected = found < 0 ? undefined : found;
  const looked = useSettled(selected === undefined ? undefined : scores[selected], STAY);
  const faults = useMemo(
    () => [
      ...new Set(
        [...(current?.labels ?? []), ...(labels.value ?? []).map(({ label }) => label)].filter(
          (one) => one !== 'normal',
        ),
      ),
    ],
    [current, labels.value],
  );

  if (!status) {
    return loaded ? (
      <>
        <h1>{name}</h1>
        <p>
          There is no machine of this name. <a href="#/">All machines</a>
        </p>
      </>
    ) : null;
  }
  const select = (at: number): void => {
    history.replaceState(null, '', machineAddress(name, scores[at]));
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  return (
    <>
      <header class="machine-head">
        <h1>{name}</h1>
        <State health={status.health} />
        <p class="caption">
          {status.lastScore &&
            `${formatNumber(status.lastScore.score)} of ${formatNumber(status.lastScore.threshold)}; `}
          {formatCount(status.recordings, 'recording')}
          {current &&
            `; ${current.encoder}, ${formatNumber(current.sampleRate / 1000, 4)} kHz, version ${current.version}`}
        </p>
      </header>
      {error && <p class="problem">{error}</p>}
      {scores.length > 0 && (
        <section class="panel" aria-labelledby="scores-title">
          <div class="panel-head">
            <h2 id="scores-title">Scores</h2>
            <fieldset class="choices">
              <legend class="unseen">Stretch of time</legend>
              {(Object.keys(spans) as Span[]).map((one) => (
                <label key={one}>
                  <input type="radio" name="span" checked={span === one} onChange={() => setSpan(one)} />
                  {spanWords[one]}
                </label>
              ))}
            </fieldset>
          </div>
          <Timeline
            key={name}
            scores={scores}
            alarms={alarms.value ?? []}
            threshold={threshold}
            trial={trial}
            selected={selected}
            onSelect={select}
            onOpen={() => document.getElementById('moment')?.focus()}
          />
        </section>
      )}
      {scores.length === 0 && !loading && (
        <p class="panel">
          {detector === undefined
            ? 'Nothing is scored yet: a detector has to be fitted first.'
            : 'Nothing is scored yet. Drop recordings below, or let a stream send them: each gets its score here.'}
        </p>
      )}
      {looked && selected !== undefined && (
        <Moment
          key={`${looked.hash}.${looked.index}.${looked.version}`}
          score={looked}
          labels={labels.value ?? []}
          faults={faults}
          onLabelled={changed}
        />
      )}
      <div class="columns">
        <div>
          {detector !== undefined && (
            <Threshold
              status={status}
              detector={detector}
              scores={scores}
              labels={labels.value ?? []}
              threshold={threshold}
              version={current?.version}
              trial={trial}
              onTrial={setTrial}
              onChanged={changed}
            />
          )}
          <MoreFiles machine={name} detector={detector} recordings={status.recordings} onTaken={changed} />
        </div>
        <div>
          <section class="panel" aria-labelledby="alarms-title">
            <h2 id="alarms-title">Alarms</h2>
            {alarms.error && <p class="problem">{alarms.error}</p>}
            <AlarmList alarms={(alarms.value ?? []).slice(0, MOST_ALARMS)} withMachine={false} />
          </section>
          {detector !== undefined && <Versions detector={detector} version={current?.version} onChanged={changed} />}
          <Settings key={name} status={status} />
        </div>
      </div>
    </>
  );
}
