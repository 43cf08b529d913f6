// What the reader knows about a recording: it was normal, or a fault with a name; and the way back.
import { useState } from 'preact/hooks';
import type { ApiLabel } from '../backend/api.ts';
import type { Labelled } from '../backend/types.ts';
import { useAction, useShared } from '../context.ts';
import { formatTime } from '../format.ts';
import { followJob } from '../intake.ts';

type Props = {
  machine: string;
  hash: string;
  labels: readonly ApiLabel[];
  faults: readonly string[];
  onLabelled(): void;
};

const LONGEST = 64;

export function Labels({ machine, hash, labels, faults, onLabelled }: Props) {
  const { backend, live, say } = useShared();
  const [fault, setFault] = useState('');
  const { busy, error, run } = useAction();
  const own = labels.filter((label) => label.hash === hash && !label.undone);
  /** The detector learns in its own time. */
  const learned = async ({ job }: Labelled): Promise<void> => {
    if (!job) return;
    const { error: reason } = await followJob(
      backend,
      job,
      (listener) => live.onEvent((event) => event.type === 'job' && listener(event.data)),
      () => {},
    );
    if (reason) throw new Error(reason);
  };
  const give = (label: string) =>
    run(async () => {
      await learned(await backend.label({ machine, hash, label }));
      say(label === 'normal' ? 'Noted: this was normal.' : `Noted: this was ${label}.`);
      setFault('');
      onLabelled();
    });
  const undo = (id: number) =>
    run(async () => {
      await learned(await backend.undoLabel(id));
      say('The label is undone.');
      onLabelled();
    });
  return (
    <div class="labels">
      <h3>What was it?</h3>
      <p class="caption">The detector learns it, as a new version that can be undone.</p>
      <div class="row">
        <button type="button" disabled={busy} onClick={() => give('normal')}>
          This was normal
        </button>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            if (fault.trim() !== '') void give(fault.trim());
          }}
        >
          <input
            value={fault}
            maxLength={LONGEST}
            list="known-faults"
            placeholder="name of the fault"
            aria-label="Name of the fault"
            onInput={(event) => setFault(event.currentTarget.value)}
          />
          <datalist id="known-faults">
            {faults.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <button type="submit" disabled={busy || fault.trim() === ''}>
            This was a fault
          </button>
        </form>
      </div>
      {error && <p class="problem">{error}</p>}
      <ul class="given">
        {own.map(({ id, label, by, createdMs, version }) => (
          <li key={id}>
            <span>
              <strong>{label}</strong>{' '}
              <span class="caption">
                by {by}, {formatTime(createdMs)}
                {version !== undefined && `, version ${version}`}
              </span>
            </span>
            <button type="button" disabled={busy} onClick={() => undo(id)}>
              Undo
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
