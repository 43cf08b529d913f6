// A moment in pictures: spectrogram with the places marked, waveform, and a line where the sound is.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import type { HeardPlace } from '../../../src/monitor/types.ts';
import { formatHz, formatNumber, formatSeconds } from '../../../src/report/format.ts';
import { linearTicks } from '../../../src/report/scale.ts';
import { paint, type Scales, waveOutline } from './figure-data.ts';

const SIDE = 1000;

type Props = {
  title: string;
  picture: MomentPicture;
  scales: Scales;
  /** Relative to the start of the picture. */
  places?: readonly HeardPlace[];
  /** What the picture shows, for those who do not see it. */
  text: string;
  /** Where the sound is, 0..1 of the picture. */
  playhead?: number;
  onSeek?(share: number): void;
};

/** Level, time and frequency under the pointer. */
function readout({ picture, scales }: Pick<Props, 'picture' | 'scales'>, across: number, up: number): string {
  const seconds = across * scales.seconds;
  const hz = up * scales.maxHz;
  const { frames, bins, values, maxHz, dbRange } = picture.spectrogram;
  if (seconds >= picture.durationSeconds || hz >= maxHz) return '';
  const frame = Math.min(frames - 1, Math.floor((seconds / picture.durationSeconds) * frames));
  const bin = Math.min(bins - 1, Math.floor((hz / maxHz) * bins));
  const level = dbRange[0] + (values[frame * bins + bin] / 255) * (dbRange[1] - dbRange[0]);
  const parts = [`${formatNumber(seconds, 4)} s`, formatHz(hz), `${level.toFixed(0).replace('-', '−')} dB`];
  const { deviation } = picture;
  if (deviation) {
    const band = deviation.bands.findIndex(({ lowHz, highHz }) => hz >= lowHz && hz < highHz);
    const step = Math.min(deviation.steps - 1, Math.floor((seconds / picture.durationSeconds) * deviation.steps));
    if (band >= 0) parts.push(`${formatNumber(deviation.values[step * deviation.bands.length + band], 2)} SD`);
  }
  return parts.join(' · ');
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

export function Figure({ title, picture, scales, places = [], text, playhead, onSeek }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [under, setUnder] = useState('');
  useEffect(() => {
    if (canvas.current) paint(canvas.current, picture, scales);
  }, [picture, scales]);
  const outline = useMemo(() => waveOutline(picture.waveform, scales.amplitude), [picture, scales]);
  const width = picture.durationSeconds / scales.seconds;
  const height = picture.spectrogram.maxHz / scales.maxHz;
  const frequencies = linearTicks(0, scales.maxHz, 4);
  const times = linearTicks(0, scales.seconds, 5);
  const kilo = scales.maxHz >= 2000;
  const { unit } = picture.waveform;
  const seek = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    onSeek?.(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width / width)));
  };
  const head = playhead === undefined ? undefined : percent(playhead * width);
  return (
    <figure class="moment-figure">
      <figcaption>
        <span>{title}</span>
        <span class="under">{under}</span>
      </figcaption>
      <div class="panels">
        <div class="y-axis" aria-hidden="true">
          <span class="unit">{kilo ? 'kHz' : 'Hz'}</span>
          {frequencies.map((hz) => (
            <span key={hz} class="tick" style={{ bottom: percent(hz / scales.maxHz) }}>
              {formatNumber(kilo ? hz / 1000 : hz)}
            </span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the play button and its slider do the same for the keyboard */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
        <div
          class="track spectrogram"
          onClick={seek}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const across = (event.clientX - box.left) / box.width;
            setUnder(readout({ picture, scales }, across, (box.bottom - event.clientY) / box.height));
          }}
          onPointerLeave={() => setUnder('')}
        >
          <canvas
            ref={canvas}
            role="img"
            aria-label={text}
            style={{ width: percent(width), height: percent(height) }}
          />
          <svg class="places" viewBox={`0 0 ${SIDE} ${SIDE}`} preserveAspectRatio="none" aria-hidden="true">
            {places.map((place) => {
              const x = (Math.max(0, place.startSeconds) / scales.seconds) * SIDE;
              const y = (1 - Math.min(place.highHz, scales.maxHz) / scales.maxHz) * SIDE;
              const wide = (Math.min(place.endSeconds, picture.durationSeconds) / scales.seconds) * SIDE - x;
              const high = (1 - place.lowHz / scales.maxHz) * SIDE - y;
              if (!(wide > 0 && high > 0)) return null;
              const box = { x, y, width: wide, height: high };
              return (
                <g key={`${place.startSeconds}-${place.lowHz}`}>
                  <rect class="halo" {...box} />
                  <rect {...box} />
                </g>
              );
            })}
          </svg>
          {head !== undefined && <i class="playhead" style={{ left: head }} />}
        </div>
        <span class="y-axis wave-unit" aria-hidden="true">
          {unit}
        </span>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: as the spectrogram */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: as the spectrogram */}
        <div class="track wave" onClick={seek}>
          <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" style={{ width: percent(width) }}>
            <path d={outline} />
          </svg>
          {head !== undefined && <i class="playhead" style={{ left: head }} />}
        </div>
        <div class="x-axis" aria-hidden="true">
          {times.map((seconds) => (
            <span key={seconds} class="tick" style={{ left: percent(seconds / scales.seconds) }}>
              {seconds === 0 ? '0' : formatSeconds(seconds)}
            </span>
          ))}
        </div>
      </div>
    </figure>
  );
}
