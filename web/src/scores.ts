// The scores of one machine that the page holds: loaded in pages, kept up to date by events.
import { useEffect, useState } from 'preact/hooks';
import type { ApiScore } from './backend/api.ts';
import type { Backend } from './backend/types.ts';
import { useShared } from './context.ts';
import { addScore } from './live.ts';

const PAGE = 1000;
/** More than a screen can show many times over. */
export const MOST_SCORES = 20_000;

export const spans = { day: 86_400_000, week: 7 * 86_400_000, month: 31 * 86_400_000, all: undefined } as const;
export type Span = keyof typeof spans;

/** All scores from a time on, oldest first; the newest 20,000 at most. */
export async function loadScores(backend: Pick<Backend, 'scores'>, machine: string, fromMs = 0): Promise<ApiScore[]> {
  let all: ApiScore[] = [];
  let from = fromMs;
  for (;;) {
    const page = await backend.scores(machine, { fromMs: from, limit: PAGE });
    const known = new Set(all.slice(-PAGE).map(({ hash, index }) => `${hash}.${index}`));
    const fresh = page.filter(({ hash, index }) => !known.has(`${hash}.${index}`));
    all = [...all, ...fresh].slice(-MOST_SCORES);
    const last = page.at(-1);
    // A page whose scores all began at once would come again and again.
    if (page.length < PAGE || !last || fresh.length === 0) return all;
    from = last.startMs;
  }
}

export type MachineScores = { scores: readonly ApiScore[]; loading: boolean; error?: string };

/** @param revision asks for all of them again when it changes */
export function useScores(machine: string, fromMs: number | undefined, revision: number): MachineScores {
  const { backend, live } = useShared();
  const [state, setState] = useState<MachineScores>({ scores: [], loading: true });
  // the revision asks for a reload
  useEffect(() => {
    let wanted = true;
    // What comes while the pages load.
    let meanwhile: ApiScore[] = [];
    let loaded = false;
    const stop = live.onEvent((event) => {
      if (event.type !== 'score' || event.data.machine !== machine) return;
      if (!loaded) meanwhile.push(event.data);
      else setState((before) => ({ ...before, scores: addScore(before.scores, event.data).slice(-MOST_SCORES) }));
    });
    loadScores(backend, machine, fromMs).then(
      (scores) => {
        if (!wanted) return;
        loaded = true;
        setState({ scores: meanwhile.reduce<ApiScore[]>(addScore, scores), loading: false });
        meanwhile = [];
      },
      (error: Error) => wanted && setState(({ scores }) => ({ scores, loading: false, error: error.message })),
    );
    return () => {
      wanted = false;
      stop();
    };
  }, [backend, live, machine, fromMs, revision]);
  return state;
}
