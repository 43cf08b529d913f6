// The page around its views: head, navigation, messages, keys that work everywhere.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ApiAlarm } from './backend/api.ts';
import type { Backend } from './backend/types.ts';
import { Provider, type Shared, useLive } from './context.ts';
import { alarmWords, capital, formatTime } from './format.ts';
import type { Live } from './live.ts';
import { Help, KeyDialog } from './parts/dialogs.tsx';
import { type Route, useRoute } from './route.ts';
import { chooseTheme, currentTheme, type Theme } from './theme.ts';
import { Add } from './views/add.tsx';
import { Alarms } from './views/alarms.tsx';
import { MachineView } from './views/machine.tsx';
import { Machines } from './views/machines.tsx';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const themeWords: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };

/** A key is being asked for; `answer` ends it. */
export type KeyQuestion = { refused: boolean; answer(key: string | undefined): void };

type Props = { backend: Backend; live: Live; onQuestion(listener: (question?: KeyQuestion) => void): () => void };

const titleOf = (route: Route): string =>
  route.view === 'machine' ? route.name : { machines: 'Machines', alarms: 'Alarms', add: 'Add a machine' }[route.view];

/** Whether keys are meant for a field. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function App({ backend, live, onQuestion }: Props) {
  const route = useRoute();
  const [theme, setTheme] = useState(currentTheme);
  const [help, setHelp] = useState(false);
  const [question, setQuestion] = useState<KeyQuestion>();
  const [said, setSaid] = useState('');
  const main = useRef<HTMLElement>(null);
  useEffect(() => onQuestion(setQuestion), [onQuestion]);
  const shared: Shared = useMemo(() => ({ backend, live, say: setSaid }), [backend, live]);
  const turn = () => {
    const next = NEXT[currentTheme()];
    chooseTheme(next);
    setTheme(next);
    setSaid(`Colours: ${themeWords[next]}.`);
  };
  const place = route.view === 'machine' ? route.name : route.view;
  const first = useRef(true);
  // another view begins at its top
  useEffect(() => {
    document.title = `${titleOf(route)} · Thrum`;
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [place]);

  useEffect(() => {
    let went = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog'))
        return;
      const after = Date.now() - went < 1500;
      went = 0;
      if (event.key === 'g') went = Date.now();
      else if (after && event.key === 'm') location.hash = '#/';
      else if (after && event.key === 'a') location.hash = '#/alarms';
      else if (after && event.key === 'n') location.hash = '#/add';
      else if (event.key === '?') setHelp(true);
      else if (event.key === 't') turn();
      else if (event.key === 's') document.querySelector<HTMLElement>('.chart')?.focus();
      else return;
      event.preventDefault();
    };
    // A file beside the zone would be opened in the place of the page.
    const keep = (event: DragEvent): void => event.preventDefault();
    addEventListener('keydown', onKey);
    addEventListener('dragover', keep);
    addEventListener('drop', keep);
    return () => {
      removeEventListener('keydown', onKey);
      removeEventListener('dragover', keep);
      removeEventListener('drop', keep);
    };
  });

  return (
    <Provider value={shared}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        To the content
      </button>
      <Head route={route} kind={backend.kind} theme={theme} onTheme={turn} onHelp={() => setHelp(true)} />
      <main id="main" ref={main} tabIndex={-1}>
        <NotLive />
        {route.view === 'machines' && <Machines />}
        {route.view === 'alarms' && <Alarms />}
        {route.view === 'add' && <Add />}
        {route.view === 'machine' && <MachineView key={route.name} route={route} />}
      </main>
      <Announcer />
      <output class="unseen">{said}</output>
      {help && <Help onClose={() => setHelp(false)} />}
      {question && <KeyDialog key={String(question.refused)} refused={question.refused} onKey={question.answer} />}
    </Provider>
  );
}

type HeadProps = { route: Route; kind: Backend['kind']; theme: Theme; onTheme(): void; onHelp(): void };

function Head({ route, kind, theme, onTheme, onHelp }: HeadProps) {
  const { openAlarms, connection } = useLive();
  const unseen = openAlarms.filter(({ acknowledgedBy }) => acknowledgedBy === undefined).length;
  const here = (view: Route['view']) => ({ 'aria-current': route.view === view ? ('page' as const) : undefined });
  const words =
    kind === 'local'
      ? 'in this browser'
      : { live: 'live', connecting: 'connecting', lost: 'no connection' }[connection];
  return (
    <header class="masthead">
      <a class="brand" href="#/">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 16h4M11 10v12M16 5v22M21 11v10M24 16h4" />
        </svg>
        Thrum
      </a>
      <nav aria-label="Views">
        <a href="#/" {...here('machines')}>
          Machines
        </a>
        <a href="#/alarms" {...here('alarms')}>
          Alarms
          {unseen > 0 && (
            <span class="chip alert">
              {unseen}
              <span class="unseen"> not acknowledged</span>
            </span>
          )}
        </a>
        <a href="#/add" {...here('add')}>
          Add
        </a>
      </nav>
      <div class="head-tools">
        <span class={`connection ${kind === 'local' ? 'local' : connection}`}>{words}</span>
        <button
          type="button"
          onClick={onTheme}
          aria-label={`Colours: ${themeWords[theme]}; change`}
          title="Colours (t)"
        >
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <circle cx="10" cy="10" r="7" class="ring" />
            {theme === 'system' && <path d="M10 3a7 7 0 0 1 0 14z" />}
            {theme === 'dark' && <circle cx="10" cy="10" r="7" />}
          </svg>
        </button>
        <button type="button" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </button>
      </div>
    </header>
  );
}

/** What stands on the page is old while the line is down. */
function NotLive() {
  const { lostMs } = useLive();
  return (
    <output class="not-live">
      {lostMs !== undefined && (
        <span class="problem">
          Not live since {formatTime(lostMs)}: the server does not answer. What is shown is from then; it is tried again
          by itself.
        </span>
      )}
    </output>
  );
}

/** Tells of alarms as they are raised: to screen readers at once, to all in a strip that can be closed. */
function Announcer() {
  const { openAlarms, loaded } = useLive();
  const known = useRef<Set<number>>(undefined);
  const [news, setNews] = useState<ApiAlarm>();
  useEffect(() => {
    if (!loaded) return;
    const before = known.current;
    known.current = new Set(openAlarms.map(({ id }) => id));
    const fresh = before && openAlarms.find(({ id }) => !before.has(id));
    if (fresh) setNews(fresh);
    else setNews((shown) => (shown && known.current?.has(shown.id) ? shown : undefined));
  }, [openAlarms, loaded]);
  return (
    <div class={news ? 'news' : ''} role="alert">
      {news && (
        <>
          <p>
            <strong>
              {news.machine}: {alarmWords[news.kind]}.
            </strong>{' '}
            {capital(news.reason.text)}.
          </p>
          <a
            class="button"
            href={`#/machines/${encodeURIComponent(news.machine)}${news.reason.recording ? `?at=${news.reason.recording}` : ''}`}
            onClick={() => setNews(undefined)}
          >
            Look
          </a>
          <button type="button" onClick={() => setNews(undefined)}>
            Close
          </button>
        </>
      )}
    </div>
  );
}
