// What all parts of the page share.
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import type { Backend } from './backend/types.ts';
import type { Live, LiveState } from './live.ts';

export type Shared = {
  backend: Backend;
  live: Live;
  /** Says something to a screen reader, when it has time. */
  say(text: string): void;
};

const Context = createContext<Shared | undefined>(undefined);
export const Provider = Context.Provider;

export function useShared(): Shared {
  const shared = useContext(Context);
  if (!shared) throw new Error('useShared: expected to be inside of Provider');
  return shared;
}

export function useLive(): LiveState {
  const { live } = useShared();
  const [state, setState] = useState(live.state);
  useEffect(() => {
    setState(live.state());
    return live.subscribe(() => setState(live.state()));
  }, [live]);
  return state;
}

export type Loaded<T> = { value?: T; error?: string; loading: boolean; reload(): void };

/** Loads something again whenever `dependencies` change; an answer that is late is dropped. */
export function useLoad<T>(load: () => Promise<T>, dependencies: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error?: string; loading: boolean }>({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let wanted = true;
    setState((before) => ({ ...before, error: undefined, loading: true }));
    load().then(
      (value) => wanted && setState({ value, loading: false }),
      (error: Error) => wanted && setState({ error: error.message, loading: false }),
    );
    return () => {
      wanted = false;
    };
    // the caller names what the loading depends on
  }, [...dependencies, turn]);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  return { ...state, reload };
}

/** Runs something that the reader asked for; what goes wrong is kept to be shown. */
export function useAction(): { busy: boolean; error?: string; run(action: () => Promise<unknown>): Promise<void> } {
  const [state, setState] = useState<{ busy: boolean; error?: string }>({ busy: false });
  const run = useCallback(async (action: () => Promise<unknown>) => {
    setState({ busy: true });
    try {
      await action();
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error: (error as Error).message });
    }
  }, []);
  return { ...state, run };
}

/** The time, renewed every so many milliseconds. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
