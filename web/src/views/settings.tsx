// Settings of a machine: when an alarm is raised and cleared, and when none is.
import { useState } from 'preact/hooks';
import type { ApiMachine, ApiMachineStatus } from '../backend/api.ts';
import { useAction, useShared } from '../context.ts';

type Silence = ApiMachine['policy']['silences'][number];
type Daily = Extract<Silence, { from: string }>;

const isDaily = (silence: Silence): silence is Daily => 'from' in silence;

/** What the reader may change; the rest of the policy stays. */
type Draft = { k: string; n: string; minimumSeconds: string; clearPercent: string; daily: Daily[] };

const draftOf = ({ policy }: ApiMachineStatus): Draft => ({
  k: String(policy.k),
  n: String(policy.n),
  minimumSeconds: String(policy.minimumSeconds),
  clearPercent: String(Math.round(100 * policy.clearShare)),
  daily: policy.silences.filter(isDaily),
});

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

/** The policy of a draft, or what is wrong with it. */
export function policyOf(
  draft: Draft,
): Pick<ApiMachine['policy'], 'k' | 'n' | 'minimumSeconds' | 'clearShare'> | string {
  const [k, n, minimumSeconds, clear] = [draft.k, draft.n, draft.minimumSeconds, draft.clearPercent].map((text) =>
    text.trim() === '' ? Number.NaN : Number(text.replace(',', '.')),
  );
  if (!Number.isInteger(n) || n < 1 || n > 1000) return 'Give a whole number of scores from 1 to 1000.';
  if (!Number.isInteger(k) || k < 1 || k > n) return `Of ${n} scores, from 1 to ${n} can be over the threshold.`;
  if (!(minimumSeconds >= 0)) return 'Give the shortest time in seconds, 0 or more.';
  if (!(clear > 0 && clear <= 100)) return 'Give the level of clearing in per cent, above 0, at most 100.';
  if (draft.daily.some(({ from, to }) => !TIME.test(from) || !TIME.test(to))) return 'Give both times of a silence.';
  return { k, n, minimumSeconds, clearShare: clear / 100 };
}

export function Settings({ status }: { status: ApiMachineStatus }) {
  const { backend, say } = useShared();
  const [draft, setDraft] = useState(() => draftOf(status));
  const { busy, error, run } = useAction();
  const [problem, setProblem] = useState('');
  const change = (next: Partial<Draft>) => setDraft((before) => ({ ...before, ...next }));
  const save = () => {
    const policy = policyOf(draft);
    setProblem(typeof policy === 'string' ? policy : '');
    if (typeof policy === 'string') return;
    void run(async () => {
      const once = status.policy.silences.filter((silence) => !isDaily(silence));
      await backend.putMachine(status.name, { policy: { ...policy, silences: [...once, ...draft.daily] } });
      say('The settings are saved.');
    });
  };
  return (
    <details class="panel settings">
      <summary>
        <h2>When to raise an alarm</h2>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <p class="sentence">
          <label>
            when
            <input inputMode="numeric" value={draft.k} onInput={(event) => change({ k: event.currentTarget.value })} />
          </label>
          <label>
            of the last
            <input inputMode="numeric" value={draft.n} onInput={(event) => change({ n: event.currentTarget.value })} />
          </label>
          scores reach the threshold,
          <label>
            over at least
            <input
              inputMode="decimal"
              value={draft.minimumSeconds}
              onInput={(event) => change({ minimumSeconds: event.currentTarget.value })}
            />
            s;
          </label>
          <label>
            cleared below
            <input
              inputMode="decimal"
              value={draft.clearPercent}
              onInput={(event) => change({ clearPercent: event.currentTarget.value })}
            />
            % of it.
          </label>
        </p>
        <fieldset class="silences">
          <legend>No alarm every day (UTC)</legend>
          {draft.daily.map((silence, i) => {
            const set = (next: Partial<Daily>) =>
              change({ daily: draft.daily.map((one, j) => (j === i ? { ...one, ...next } : one)) });
            return (
              <div class="row" key={i}>
                <label class="inline">
                  from{' '}
                  <input
                    type="time"
                    value={silence.from}
                    onInput={(event) => set({ from: event.currentTarget.value })}
                  />
                </label>
                <label class="inline">
                  to{' '}
                  <input type="time" value={silence.to} onInput={(event) => set({ to: event.currentTarget.value })} />
                </label>
                <button type="button" onClick={() => change({ daily: draft.daily.filter((_, j) => j !== i) })}>
                  Remove
                </button>
              </div>
            );
          })}
          <button type="button" onClick={() => change({ daily: [...draft.daily, { from: '22:00', to: '06:00' }] })}>
            Add a silence
          </button>
        </fieldset>
        {(problem || error) && <p class="problem">{problem || error}</p>}
        <button type="submit" class="primary" disabled={busy}>
          Save
        </button>
      </form>
    </details>
  );
}
