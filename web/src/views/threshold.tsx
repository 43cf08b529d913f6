// The threshold: what another one would have done, at once; and the versions to go back to.
import { useMemo } from 'preact/hooks';
import { thresholdReplay } from '../../../src/monitor/alarm/replay.ts';
import { formatCount, formatNumber, formatPercent } from '../../../src/report/format.ts';
import type { ApiLabel, ApiMachineStatus, ApiScore } from '../backend/api.ts';
import { useAction, useLoad, useShared } from '../context.ts';
import { formatTime } from '../format.ts';
import { Spread } from '../parts/spread.tsx';
import { falseAlarms, shareReaching } from '../replay.ts';

type Props = {
  status: ApiMachineStatus;
  detector: string;
  scores: readonly ApiScore[];
  labels: readonly ApiLabel[];
  /** Threshold in use. */
  threshold: number;
  /** Changes with the detector's versions. */
  version: number | undefined;
  trial: number | undefined;
  onTrial(threshold: number | undefined): void;
  onChanged(): void;
};

const STEPS = 400;

/** Ends of the slider: from below what is usual to above everything seen. */
export function sliderRange(calibration: readonly number[], scores: readonly number[], threshold: number) {
  const values = [...calibration, ...scores, threshold].filter((value) => value > 0 && Number.isFinite(value));
  const low = values.reduce((least, value) => Math.min(least, value), threshold || 1);
  const high = values.reduce((most, value) => Math.max(most, value), threshold || 1);
  return { low: low * 0.9, high: Math.max(high, threshold * 2) * 1.1 };
}

const alarmsText = (count: number): string => (count === 0 ? 'no alarm' : formatCount(count, 'alarm'));

export function Threshold(props: Props) {
  const { status, detector, scores, labels, threshold, version, trial, onTrial, onChanged } = props;
  const { backend, say } = useShared();
  const calibration = useLoad(() => backend.calibration(detector), [detector, version]);
  const { busy, error, run } = useAction();
  const sorted = calibration.value?.scores ?? [];
  const { low, high } = useMemo(
    () =>
      sliderRange(
        sorted,
        scores.map(({ score }) => score),
        threshold,
      ),
    [sorted, scores, threshold],
  );
  const shown = trial ?? threshold;
  const replayed = useMemo(() => thresholdReplay(scores, status.policy, shown), [scores, status.policy, shown]);
  const now = useMemo(() => thresholdReplay(scores, status.policy, threshold), [scores, status.policy, threshold]);
  const place = Math.round((STEPS * Math.log(shown / low)) / Math.log(high / low));
  const valueAt = (step: number): number => Number((low * (high / low) ** (step / STEPS)).toPrecision(4));
  const wrong = falseAlarms(replayed.alarms, scores, labels);
  const share = shareReaching(sorted, shown);
  const apply = () =>
    run(async () => {
      const made = await backend.setThreshold(detector, { threshold: shown });
      say(`The threshold is now ${formatNumber(shown)}, version ${made.version}.`);
      onTrial(undefined);
      onChanged();
    });
  return (
    <section class="panel threshold-panel" aria-labelledby="threshold-title">
      <h2 id="threshold-title">Threshold</h2>
      <Spread calibration={sorted} scores={scores} threshold={threshold} shown={shown} low={low} high={high} />
      <input
        type="range"
        class="wide-slider"
        min={0}
        max={STEPS}
        value={place}
        aria-label="Threshold to try"
        aria-valuetext={`${formatNumber(shown)}: ${alarmsText(replayed.alarms.length)} in the past`}
        onInput={(event) => onTrial(valueAt(Number(event.currentTarget.value)))}
      />
      <p class="trial" aria-live="polite">
        <strong>{formatNumber(shown, 4)}</strong>: over the {formatCount(scores.length, 'score')} shown{' '}
        <strong>{alarmsText(replayed.alarms.length)}</strong>
        {replayed.alarms.length > 0 &&
          (wrong === replayed.alarms.length
            ? ', none of them at a labelled fault'
            : `, ${wrong} of them false as far as labels tell`)}
        {trial !== undefined && ` (now ${now.alarms.length})`}; {formatCount(replayed.above, 'score')} reach it. Of the{' '}
        {formatCount(sorted.length, 'normal score')} of calibration {formatPercent(share)} do.
      </p>
      {error && <p class="problem">{error}</p>}
      <div class="row">
        <label class="inline">
          Exactly
          <input
            type="number"
            min={0}
            step="any"
            value={Number(shown.toPrecision(5))}
            onChange={(event) => {
              const value = Number(event.currentTarget.value);
              if (value > 0 && Number.isFinite(value)) onTrial(value);
            }}
          />
        </label>
        <button
          type="button"
          class="primary"
          disabled={busy || trial === undefined || trial === threshold}
          onClick={apply}
        >
          Apply
        </button>
        <button type="button" disabled={busy || trial === undefined} onClick={() => onTrial(undefined)}>
          Leave as it is
        </button>
      </div>
    </section>
  );
}

const origins: Record<string, string> = {
  fitted: 'fitted',
  uploaded: 'uploaded',
  threshold: 'threshold changed',
  feedback: 'learned a label',
  undo: 'a label undone',
};

/** All versions of a detector, the newest first; any may be used again, or downloaded. */
export function Versions({ detector, version, onChanged }: Pick<Props, 'detector' | 'version' | 'onChanged'>) {
  const { backend, say } = useShared();
  const versions = useLoad(() => backend.versions(detector), [detector, version]);
  const { busy, error, run } = useAction();
  const list = [...(versions.value ?? [])].sort((a, b) => b.version - a.version);
  const use = (chosen: number) =>
    run(async () => {
      await backend.useVersion(detector, chosen);
      say(`Version ${chosen} is in use.`);
      versions.reload();
      onChanged();
    });
  const download = (chosen: number) =>
    run(async () => {
      const address = URL.createObjectURL(await backend.detectorFile(detector, chosen));
      Object.assign(document.createElement('a'), { href: address, download: `${detector}.thrum` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    });
  return (
    <section class="panel" aria-labelledby="versions-title">
      <h2 id="versions-title">Detector {detector}</h2>
      {(error ?? versions.error) && <p class="problem">{error ?? versions.error}</p>}
      <ul class="versions">
        {list.map((one) => (
          <li key={one.version} class={one.current ? 'current' : ''}>
            <span>
              <strong>Version {one.version}</strong>
              {one.current && <span class="chip">in use</span>}
              <span class="caption">
                {origins[one.origin]}
                {one.threshold !== undefined && `, threshold ${formatNumber(one.threshold, 4)}`},{' '}
                {formatCount(one.segments, 'segment')}, {one.encoder}; {formatTime(one.createdMs)}
                {one.note && ` — ${one.note}`}
              </span>
            </span>
            <span class="row">
              {!one.current && (
                <button type="button" disabled={busy} onClick={() => use(one.version)}>
                  Use <span class="unseen">version {one.version}</span>
                </button>
              )}
              <button type="button" disabled={busy} onClick={() => download(one.version)}>
                Download <span class="unseen">version {one.version}</span>
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
