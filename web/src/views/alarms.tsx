// Alarms with their reasons; each may be acknowledged, and leads to the moment that decided.
import { useEffect } from 'preact/hooks';
import type { ApiAlarm } from '../backend/api.ts';
import { useAction, useLive, useLoad, useNow, useShared } from '../context.ts';
import { alarmWords, capital, formatAgo, formatLength, formatTime } from '../format.ts';
import { Sign } from '../parts/sign.tsx';
import { machineAddress } from '../route.ts';

export function AlarmList({ alarms, withMachine }: { alarms: readonly ApiAlarm[]; withMachine: boolean }) {
  if (alarms.length === 0) return <p class="caption">None.</p>;
  return (
    <ul class="alarms">
      {alarms.map((alarm) => (
        <Alarm key={alarm.id} alarm={alarm} withMachine={withMachine} />
      ))}
    </ul>
  );
}

function Alarm({ alarm, withMachine }: { alarm: ApiAlarm; withMachine: boolean }) {
  const { backend, say } = useShared();
  const now = useNow(30_000);
  const { busy, error, run } = useAction();
  const { id, machine, kind, raisedMs, sinceMs, clearedMs, acknowledgedBy, reason } = alarm;
  const acknowledge = () =>
    run(async () => {
      await backend.acknowledge(id);
      say('Acknowledged.');
    });
  return (
    <li class={`alarm ${kind}${clearedMs === undefined ? ' open' : ''}`}>
      <Sign health={kind} />
      <div>
        <p>
          <strong>
            {withMachine && <a href={machineAddress(machine)}>{machine}</a>}
            {withMachine && ': '}
            {alarmWords[kind]}
          </strong>
          {reason.diagnosis && `, like ${reason.diagnosis.label}`}
        </p>
        <p>{capital(reason.text)}.</p>
        <p class="caption">
          <time dateTime={new Date(raisedMs).toISOString()} title={formatTime(raisedMs)}>
            Raised {formatAgo(raisedMs, now)}
          </time>
          {clearedMs === undefined
            ? `, open since ${formatTime(sinceMs)}`
            : `, cleared after ${formatLength(clearedMs - sinceMs)}`}
          {acknowledgedBy !== undefined && `, acknowledged by ${acknowledgedBy}`}
        </p>
        {error && <p class="problem">{error}</p>}
      </div>
      <div class="row">
        {reason.recording && (
          <a class="button" href={machineAddress(machine, { hash: reason.recording, index: 0 })}>
            Listen <span class="unseen">to the moment at {machine}</span>
          </a>
        )}
        {acknowledgedBy === undefined && (
          <button type="button" disabled={busy} onClick={acknowledge}>
            Acknowledge <span class="unseen">the alarm of {machine}</span>
          </button>
        )}
      </div>
    </li>
  );
}

export function Alarms() {
  const { backend, live } = useShared();
  const { openAlarms, caughtUp } = useLive();
  const past = useLoad(() => backend.alarms({}), [caughtUp]);
  const { reload } = past;
  useEffect(() => live.onEvent((event) => event.type === 'alarm' && reload()), [live, reload]);
  return (
    <>
      <h1>Alarms</h1>
      <section class="panel" aria-labelledby="open-title">
        <h2 id="open-title">Open</h2>
        <AlarmList alarms={openAlarms} withMachine />
      </section>
      <section class="panel" aria-labelledby="past-title">
        <h2 id="past-title">Cleared</h2>
        {past.error && <p class="problem">{past.error}</p>}
        <AlarmList alarms={(past.value ?? []).filter(({ clearedMs }) => clearedMs !== undefined)} withMachine />
      </section>
    </>
  );
}
