// All machines at a glance: those in trouble first.
import { formatCount, formatNumber } from '../../../src/report/format.ts';
import type { ApiMachineStatus, ApiScore } from '../backend/api.ts';
import { useLive, useNow, useShared } from '../context.ts';
import { formatAgo, healthWords, inOrder } from '../format.ts';
import { Sign } from '../parts/sign.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { machineAddress } from '../route.ts';

/** How many machines are in which state, in words. */
export function summary(machines: readonly ApiMachineStatus[]): string {
  const counts = new Map<ApiMachineStatus['health'], number>();
  for (const { health } of machines) counts.set(health, (counts.get(health) ?? 0) + 1);
  const normal = counts.get('normal') ?? 0;
  if (normal === machines.length) {
    return machines.length === 1 ? 'The machine is normal.' : `All ${machines.length} machines are normal.`;
  }
  const parts = [...counts].map(([health, count]) => `${count} ${healthWords[health].toLowerCase()}`);
  return `${formatCount(machines.length, 'machine')}: ${parts.join(', ')}.`;
}

export function Machines() {
  const { backend, live } = useShared();
  const { machines, recent, loaded, error } = useLive();
  const list = inOrder(machines.values());
  const now = useNow(15_000);
  if (error) {
    return (
      <>
        <h1>Machines</h1>
        <p class="problem">{error}</p>
        <button type="button" onClick={() => live.reload()}>
          Try again
        </button>
      </>
    );
  }
  if (loaded && list.length === 0) {
    return (
      <div class="empty">
        <h1>No machines yet</h1>
        <p class="lead">
          Start with a folder of recordings of one machine while it is well.
          {backend.kind === 'local' &&
            ' This page does it all by itself: nothing leaves this device, and nothing is kept when it is closed.'}
        </p>
        <a class="button primary" href="#/add">
          Add a machine
        </a>
      </div>
    );
  }
  return (
    <>
      <h1 class="glance">{loaded ? summary(list) : 'Machines'}</h1>
      <ul class="cards">
        {list.map((machine) => (
          <Card key={machine.name} machine={machine} scores={recent.get(machine.name) ?? []} now={now} />
        ))}
      </ul>
    </>
  );
}

type CardProps = { machine: ApiMachineStatus; scores: readonly ApiScore[]; now: number };

function Card({ machine: { name, health, lastScore, openAlarms, recordings }, scores, now }: CardProps) {
  return (
    <li class={`card ${health}`}>
      <div class="card-head">
        <Sign health={health} />
        <h2 class="plain">
          <a href={machineAddress(name)}>{name}</a>
        </h2>
        {openAlarms > 0 && <span class="chip alert">{formatCount(openAlarms, 'open alarm')}</span>}
      </div>
      <p class={`state-word ${health}`}>{healthWords[health]}</p>
      {lastScore ? (
        <>
          <Sparkline scores={scores} threshold={lastScore.threshold} />
          <p class="card-score">
            <span class={lastScore.anomalous ? 'above' : ''}>
              <strong>{formatNumber(lastScore.score)}</strong> of {formatNumber(lastScore.threshold)}
              {lastScore.anomalous && ' ▲'}
              {lastScore.anomalous && <span class="unseen"> over the threshold</span>}
            </span>
            <span class="caption">heard {formatAgo(lastScore.startMs + 1000 * lastScore.durationSeconds, now)}</span>
          </p>
        </>
      ) : (
        <p class="caption">{formatCount(recordings, 'recording')}, none scored yet</p>
      )}
    </li>
  );
}
