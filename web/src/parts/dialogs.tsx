// The two dialogs: what the keys do, and the key of the server.
import { useEffect, useRef, useState } from 'preact/hooks';

/** A modal dialog while it is rendered; Escape calls `onClose`. */
function Modal({ title, onClose, children }: { title: string; onClose(): void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose} onCancel={onClose}>
      <h2 id="dialog-title" class="plain">
        {title}
      </h2>
      {children}
    </dialog>
  );
}

const shortcuts: [keys: string[], what: string][] = [
  [['?'], 'this help'],
  [['g', 'm'], 'machines'],
  [['g', 'a'], 'alarms'],
  [['g', 'n'], 'a new machine'],
  [['t'], 'light, dark, or as the system'],
  [['s'], 'to the scores (on a machine)'],
];
const onTimeline: [keys: string[], what: string][] = [
  [['←', '→'], 'score before and after'],
  [['Page ↑', 'Page ↓'], 'ten scores'],
  [['Home', 'End'], 'first and last score'],
  [['n', 'p'], 'next and previous score that is not normal'],
  [['+', '−', '0'], 'zoom in, out, all'],
  [['<', '>'], 'move the zoomed part'],
  [['Enter'], 'to the moment'],
];

const Keys = ({ list }: { list: [string[], string][] }) => (
  <dl class="keys">
    {list.map(([keys, what]) => (
      <div key={what}>
        <dt>
          {keys.map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </dt>
        <dd>{what}</dd>
      </div>
    ))}
  </dl>
);

export const Help = ({ onClose }: { onClose(): void }) => (
  <Modal title="Keys" onClose={onClose}>
    <Keys list={shortcuts} />
    <h3>On the scores</h3>
    <Keys list={onTimeline} />
    <p class="row">
      <button type="button" class="primary" onClick={onClose}>
        Close
      </button>
    </p>
  </Modal>
);

type KeyProps = { refused: boolean; onKey(key: string | undefined): void };

/** Asks for the key; it stays in this tab only. */
export function KeyDialog({ refused, onKey }: KeyProps) {
  const [key, setKey] = useState('');
  return (
    <Modal title="A key, please" onClose={() => onKey(undefined)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '') onKey(key.trim());
        }}
      >
        <p class={refused ? 'problem' : 'caption'}>
          {refused
            ? 'The server did not accept this key.'
            : 'This server asks for a key. It is kept in this tab until it is closed.'}
        </p>
        <label>
          Key
          <input
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <p class="row">
          <button type="submit" class="primary" disabled={key.trim() === ''}>
            Use it
          </button>
          <button type="button" onClick={() => onKey(undefined)}>
            Cancel
          </button>
        </p>
      </form>
    </Modal>
  );
}
