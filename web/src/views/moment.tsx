// One moment: what the detector says, where it heard it, beside the normal recording that is most alike.
import { useEffect, useMemo, useState } from 'preact/hooks';
import {
  formatBand,
  formatNumber,
  formatPValue,
  formatSeconds,
  formatShare,
  formatTimeRange,
  topBands,
} from '../../../src/report/format.ts';
import type { ApiLabel, ApiScore } from '../backend/api.ts';
import { useLoad, useShared } from '../context.ts';
import { formatTime } from '../format.ts';
import { Figure } from '../parts/figure.tsx';
import { commonScales } from '../parts/figure-data.ts';
import { Player } from '../parts/player.tsx';
import { Sign } from '../parts/sign.tsx';
import { Labels } from './labels.tsx';

type Props = {
  score: ApiScore;
  labels: readonly ApiLabel[];
  /** Names of faults that are known. */
  faults: readonly string[];
  onLabelled(): void;
};

/** The verdict in one sentence. */
export function verdictText({ anomalous, score, threshold, pValue, constant }: ApiScore): string {
  if (constant) return 'Every sample is the same: silence, or a dead sensor.';
  const times = threshold > 0 ? formatNumber(score / threshold, 2) : '';
  const often =
    pValue < 0.001
      ? 'fewer than 1 in 1000 normal recordings score'
      : `${formatShare(pValue)} of normal recordings score`;
  return anomalous
    ? `Not normal: ${times} times the threshold, and ${often} this high.`
    : `Normal: ${times} of the threshold; ${often} at least this high.`;
}

/** Which bands and when, in words. */
export function placesText({ places, bands }: Pick<ApiScore, 'places' | 'bands'>): string {
  if (places.length > 0) {
    const [{ lowHz, highHz, startSeconds, endSeconds, deviations }] = places;
    return `Most unusual at ${formatBand(lowHz, highHz)} from ${formatSeconds(startSeconds)} to ${formatSeconds(endSeconds)}: ${formatNumber(deviations, 2)} standard deviations from normal.`;
  }
  const [top] = topBands(bands, 1);
  return top ? `Most of the difference lies at ${formatBand(top.lowHz, top.highHz)} (${formatShare(top.share)}).` : '';
}

const middleOf = (place: ApiScore['places'][number] | undefined): number =>
  place ? (place.startSeconds + place.endSeconds) / 2 : 0;

/**
 * Where a picture begins in its recording: pictures show one segment of a detector that cuts recordings, the one in which
 * `atSeconds` lies; the last of them ends with the recording.
 */
export function pictureStart(atSeconds: number, pictureSeconds: number, recordingSeconds: number): number {
  if (!(pictureSeconds < 0.99 * recordingSeconds)) return 0;
  return Math.min(Math.floor(atSeconds / pictureSeconds) * pictureSeconds, recordingSeconds - pictureSeconds);
}

export function Moment({ score, labels, faults, onLabelled }: Props) {
  const { backend } = useShared();
  const { machine, hash, startMs, index } = score;
  const recording = useLoad(() => backend.recordingOf(score), [machine, hash, startMs]);
  const known = recording.value;
  /** Where in the file the recording begins that the score is of. */
  const offset = known ? Math.max(0, (startMs - known.startMs) / 1000) : 0;
  const looked = middleOf(score.places[0]);
  const picture = useLoad(
    async () => (recording.loading ? undefined : backend.picture(machine, hash, offset + looked)),
    [machine, hash, index, offset, looked, recording.loading],
  );
  const from = picture.value ? pictureStart(looked, picture.value.durationSeconds, score.durationSeconds) : 0;
  const length = picture.value?.durationSeconds ?? score.durationSeconds;
  const nearest = useLoad(async () => {
    const place = await backend.nearest(score.detector, score.nearest);
    return place && { place, picture: await backend.picture(place.machine, place.hash, place.startSeconds) };
  }, [score.detector, score.nearest.file, score.nearest.startSeconds]);
  const scales = useMemo(
    () => picture.value && commonScales([picture.value, ...(nearest.value ? [nearest.value.picture] : [])]),
    [picture.value, nearest.value],
  );
  const [heads, setHeads] = useState<{ own?: number; normal?: number }>({});
  // another moment has no playheads yet
  useEffect(() => setHeads({}), [machine, hash, index]);
  const relative = score.places
    .map((place) => ({ ...place, startSeconds: place.startSeconds - from, endSeconds: place.endSeconds - from }))
    .filter(({ startSeconds, endSeconds }) => endSeconds > 0 && startSeconds < length);
  const whole = Math.max(known?.durationSeconds ?? length, 1e-9);
  const verdict = verdictText(score);
  const where = placesText(score);
  const state = score.constant ? 'sensor' : score.anomalous ? 'fault' : 'normal';
  return (
    <section class={`panel moment ${state}`} aria-labelledby="moment-title" id="moment" tabIndex={-1}>
      <header class="moment-head">
        <Sign health={state} />
        <div>
          <h2 id="moment-title" class="plain">
            {verdict}
          </h2>
          <p class="caption">
            {formatTime(startMs)}
            {known && ` · ${known.name}`} · {formatSeconds(score.durationSeconds)} at{' '}
            {formatNumber(score.sampleRate / 1000, 4)} kHz
            {score.learned && ' · the detector was made from it, and compares it with the others'}
          </p>
          {where && <p>{where}</p>}
          {score.diagnosis && (
            <p>
              Sounds like <strong>{score.diagnosis.label}</strong> ({formatShare(score.diagnosis.confidence)}).
            </p>
          )}
        </div>
        <dl class="readouts">
          <div>
            <dt>Score</dt>
            <dd>{formatNumber(score.score)}</dd>
          </div>
          <div>
            <dt>Threshold</dt>
            <dd>{formatNumber(score.threshold)}</dd>
          </div>
          <div>
            <dt>p-value</dt>
            <dd>{formatPValue(score.pValue)}</dd>
          </div>
        </dl>
      </header>
      {picture.error && <p class="problem">{picture.error}</p>}
      <div class="figures">
        <div>
          {picture.value && scales ? (
            <Figure
              title={
                from > 0 || length < 0.99 * score.durationSeconds
                  ? `This moment, ${formatTimeRange(from, length)}`
                  : 'This moment'
              }
              picture={picture.value}
              scales={scales}
              places={relative}
              text={`Spectrogram of this moment. ${where}`}
              playhead={heads.own}
            />
          ) : (
            !picture.error && <div class="figure-wait">{picture.loading ? 'Drawing …' : ''}</div>
          )}
          {known && !known.audio ? (
            <p class="caption">Its sound is no longer kept.</p>
          ) : (
            <Player
              machine={machine}
              hash={hash}
              label="this moment"
              from={(offset + from) / whole}
              to={Math.min(1, (offset + from + length) / whole)}
              onAt={(own) => setHeads((before) => ({ ...before, own }))}
            />
          )}
        </div>
        <div>
          {nearest.value && scales && (
            <>
              <Figure
                title="Most alike among the normal ones"
                picture={nearest.value.picture}
                scales={scales}
                text={`Spectrogram of the normal recording that is most alike, ${score.nearest.file}.`}
                playhead={heads.normal}
              />
              <Player
                machine={nearest.value.place.machine}
                hash={nearest.value.place.hash}
                label="the normal recording"
                from={0}
                to={1}
                onAt={(normal) => setHeads((before) => ({ ...before, normal }))}
              />
            </>
          )}
          {!nearest.loading && !nearest.value && (
            <p class="caption figure-wait">
              Most alike among the normal ones: {score.nearest.file}. {nearest.error ?? 'It is not stored here.'}
            </p>
          )}
        </div>
      </div>
      <div class="moment-foot">
        <Bands score={score} />
        <Labels machine={machine} hash={hash} labels={labels} faults={faults} onLabelled={onLabelled} />
      </div>
    </section>
  );
}

/** Bands and places as tables: for those who do not see the pictures, and for who wants the numbers. */
function Bands({ score }: { score: ApiScore }) {
  const bands = [...score.bands].sort((a, b) => b.share - a.share).slice(0, 5);
  return (
    <div class="bands">
      <h3>Where it differs from normal</h3>
      <table>
        <caption class="unseen">Bands with the largest part of the difference</caption>
        <thead>
          <tr>
            <th scope="col">Band</th>
            <th scope="col">Part</th>
            <th scope="col" class="number">
              Deviation
            </th>
          </tr>
        </thead>
        <tbody>
          {bands.map(({ lowHz, highHz, share, deviations }) => (
            <tr key={lowHz}>
              <th scope="row">{formatBand(lowHz, highHz)}</th>
              <td>
                <meter min={0} max={1} value={share} aria-label="part of the difference" /> {formatShare(share)}
              </td>
              <td class="number">{formatNumber(deviations, 2)} SD</td>
            </tr>
          ))}
        </tbody>
      </table>
      {score.places.length > 0 && (
        <details>
          <summary>Places in time</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Band</th>
                <th scope="col" class="number">
                  Deviation
                </th>
              </tr>
            </thead>
            <tbody>
              {score.places.map((place) => (
                <tr key={`${place.startSeconds}-${place.lowHz}`}>
                  <td>{formatSeconds(place.startSeconds)}</td>
                  <td>{formatSeconds(place.endSeconds)}</td>
                  <td>{formatBand(place.lowHz, place.highHz)}</td>
                  <td class="number">{formatNumber(place.deviations, 2)} SD</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </div>
  );
}
