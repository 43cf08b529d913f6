// The start: with the server that the page came from, or without one.
import './style/index.css';
import { render } from 'preact';
import { App, type KeyQuestion } from './app.tsx';
import type { Backend } from './backend/types.ts';
import { createLive } from './live.ts';
import { startTheme } from './theme.ts';

/** `?alone` in the address: without a server, even where there is one. */
const ALONE = 'alone';

/** Whether what answers is Thrum: its API speaks JSON, also where it asks for a key. */
async function hasServer(base: URL): Promise<boolean> {
  if (new URLSearchParams(location.search).has(ALONE)) return false;
  try {
    const response = await fetch(new URL('machines', base), { credentials: 'same-origin' });
    const json = response.headers.get('content-type')?.includes('json') ?? false;
    return json && (response.ok || response.status === 401 || response.status === 403);
  } catch {
    return false;
  }
}

let ask: (question?: KeyQuestion) => void = () => {};
let asked: KeyQuestion | undefined;
/** The dialog is the page's own. */
const askForKey = (refused: boolean): Promise<string | undefined> =>
  new Promise((resolve) => {
    const answer = (key: string | undefined) => {
      asked = undefined;
      ask(undefined);
      resolve(key);
    };
    asked = { refused, answer };
    ask(asked);
  });
const onQuestion = (listener: typeof ask): (() => void) => {
  ask = listener;
  if (asked) listener(asked);
  return () => {
    ask = () => {};
  };
};

async function start(): Promise<void> {
  startTheme();
  const base = new URL('api/', document.baseURI);
  let backend: Backend;
  if (await hasServer(base)) backend = (await import('./backend/server.ts')).createServerBackend(base, askForKey);
  else backend = (await import('./backend/local.ts')).createLocalBackend();
  const page = document.getElementById('page');
  if (page) render(<App backend={backend} live={createLive(backend)} onQuestion={onQuestion} />, page);
}

void start();
