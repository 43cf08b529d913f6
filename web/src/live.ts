// What the page knows of all machines, kept up to date by events.
import type { ApiAlarm, ApiEvent, ApiJob, ApiMachineStatus, ApiScore } from './backend/api.ts';
import type { Backend, Connection } from './backend/types.ts';
import { inOrder } from './format.ts';

/** Scores of a sparkline. */
const RECENT = 60;
/** Machines whose past is loaded for the list; the others show theirs as it comes. */
const MOST_SPARKLINES = 200;
/** Jobs that are remembered. */
const MOST_JOBS = 50;

export type LiveState = {
  machines: ReadonlyMap<string, ApiMachineStatus>;
  recent: ReadonlyMap<string, readonly ApiScore[]>;
  /** Those that are not cleared, newest first. */
  openAlarms: readonly ApiAlarm[];
  jobs: ReadonlyMap<string, ApiJob>;
  connection: Connection;
  /** Since when it is not live, where it was. */
  lostMs?: number;
  /** Grows when events may have been missed: what is shown is to be loaded again. */
  caughtUp: number;
  loaded: boolean;
  /** Why the list could not be loaded. */
  error?: string;
};

export type Live = {
  state(): LiveState;
  /** Called after changes, at most once for each picture. @returns how to end it */
  subscribe(listener: () => void): () => void;
  /** Every event, at once. @returns how to end it */
  onEvent(listener: (event: ApiEvent) => void): () => void;
  reload(): Promise<void>;
  stop(): void;
};

const sameScore = (a: ApiScore, b: ApiScore): boolean => a.hash === b.hash && a.index === b.index;

/** A score in its place by time, instead of the one it replaces. */
export function addScore(scores: readonly ApiScore[], score: ApiScore): ApiScore[] {
  const rest = scores.filter((one) => !sameScore(one, score));
  let at = rest.length;
  while (at > 0 && rest[at - 1].startMs > score.startMs) at--;
  return [...rest.slice(0, at), score, ...rest.slice(at)];
}

/** The open alarms after a change of one, newest first. */
export const withAlarm = (alarms: readonly ApiAlarm[], alarm: ApiAlarm): ApiAlarm[] =>
  [...alarms.filter(({ id }) => id !== alarm.id), ...(alarm.clearedMs === undefined ? [alarm] : [])].sort(
    (a, b) => b.raisedMs - a.raisedMs,
  );

export function createLive(backend: Backend): Live {
  const listeners = new Set<() => void>();
  const eventListeners = new Set<(event: ApiEvent) => void>();
  let state: LiveState = {
    machines: new Map(),
    recent: new Map(),
    openAlarms: [],
    jobs: new Map(),
    connection: 'connecting',
    caughtUp: 0,
    loaded: false,
  };
  let scheduled = false;

  const change = (next: Partial<LiveState>): void => {
    state = { ...state, ...next };
    if (scheduled) return;
    scheduled = true;
    // Not requestAnimationFrame: alarms are told in pages that are not seen, too.
    setTimeout(() => {
      scheduled = false;
      for (const listener of listeners) listener();
    }, 16);
  };

  const apply = (event: ApiEvent): void => {
    if (event.type === 'machine') change({ machines: new Map(state.machines).set(event.data.name, event.data) });
    if (event.type === 'alarm') change({ openAlarms: withAlarm(state.openAlarms, event.data) });
    if (event.type === 'job') {
      const jobs = new Map(state.jobs).set(event.data.id, event.data);
      for (const id of jobs.keys()) if (jobs.size > MOST_JOBS) jobs.delete(id);
      change({ jobs });
    }
    if (event.type === 'score') {
      const { machine } = event.data;
      const recent = addScore(state.recent.get(machine) ?? [], event.data).slice(-RECENT);
      const status = state.machines.get(machine);
      const newest = !status?.lastScore || status.lastScore.startMs <= event.data.startMs;
      change({
        recent: new Map(state.recent).set(machine, recent),
        ...(status &&
          newest && { machines: new Map(state.machines).set(machine, { ...status, lastScore: event.data }) }),
      });
    }
  };

  /** Events that come while a list is loaded: it may be older than they are. */
  const meanwhile = new Set<ApiEvent[]>();
  const take = (event: ApiEvent): void => {
    for (const listener of eventListeners) listener(event);
    for (const events of meanwhile) events.push(event);
    apply(event);
  };

  /** Machines whose last scores are all there. */
  const complete = new Set<string>();
  /** The last scores of a machine. */
  const loadRecent = async ({ name, lastScore }: ApiMachineStatus): Promise<void> => {
    if (!lastScore || complete.has(name)) return;
    const scores = await backend.scores(name, { limit: RECENT });
    complete.add(name);
    const kept = (state.recent.get(name) ?? []).reduce(addScore, scores);
    change({ recent: new Map(state.recent).set(name, kept.slice(-RECENT)) });
  };

  let asked = 0;
  let shown = 0;
  const reload = async (): Promise<void> => {
    const turn = ++asked;
    const events: ApiEvent[] = [];
    meanwhile.add(events);
    try {
      const [machines, openAlarms] = await Promise.all([backend.machines(), backend.alarms({ open: true })]);
      // An answer that was overtaken by a later one is old.
      if (turn < shown) return;
      shown = turn;
      change({
        machines: new Map(machines.map((machine) => [machine.name, machine])),
        openAlarms: openAlarms.reduce(withAlarm, [] as ApiAlarm[]),
        loaded: true,
        error: undefined,
      });
      meanwhile.delete(events);
      events.forEach(apply);
      for (const machine of inOrder(machines).slice(0, MOST_SPARKLINES)) await loadRecent(machine);
    } catch (error) {
      change({ loaded: true, error: (error as Error).message });
    } finally {
      meanwhile.delete(events);
    }
  };

  let wasLive = false;
  const stop = backend.events(take, (connection) => {
    if (connection !== 'live') {
      if (wasLive) change({ connection, lostMs: state.lostMs ?? Date.now() });
      else change({ connection });
      return;
    }
    // What happened before was not told: since the connection was lost, or since the list was asked for.
    change({ connection, lostMs: undefined, ...(wasLive && { caughtUp: state.caughtUp + 1 }) });
    complete.clear();
    if (wasLive || backend.kind === 'server') void reload();
    wasLive = true;
  });
  void reload();

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEvent(listener) {
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
    reload,
    stop,
  };
}
