// In the reader's browser: opens details, paints spectrograms, reads cells under the pointer, follows the sound.
// Embedded as source, so it uses nothing outside of itself.
import type { FigureData } from './detail.ts';

/** Brings the details to life. `colours` are those of the levels 0..255, `[256, 3]`. */
export const startFigures = (colours: Uint8ClampedArray): void => {
  const details = [...document.querySelectorAll<HTMLDetailsElement>('details.detail')];
  const decode = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  const paint = (canvas: HTMLCanvasElement, values: Uint8Array): void => {
    const { width: frames, height: bins } = canvas;
    const context = canvas.getContext('2d');
    if (!context) return;
    const image = context.createImageData(frames, bins);
    for (let frame = 0; frame < frames; frame++) {
      for (let bin = 0; bin < bins; bin++) {
        const level = values[frame * bins + bin] * 3;
        const pixel = ((bins - 1 - bin) * frames + frame) * 4;
        for (let c = 0; c < 3; c++) image.data[pixel + c] = colours[level + c];
        image.data[pixel + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  };

  /** What is at a place of the spectrogram, 0..1 from the left and from the bottom. */
  const cellReader = (figure: FigureData, values: Uint8Array) => {
    const { frames, bins, startSeconds, durationSeconds, maxHz, dbRange, deviation } = figure;
    const deviations = deviation && new Float32Array(decode(deviation.values).buffer);
    return (time: number, height: number): string => {
      const level = values[Math.floor(time * frames) * bins + Math.floor(height * bins)] / 255;
      const hz = height * maxHz;
      const parts = [
        `${(startSeconds + time * durationSeconds).toFixed(durationSeconds < 1 ? 4 : 2)} s`,
        hz < 1000 ? `${hz.toFixed(0)} Hz` : `${(hz / 1000).toFixed(2)} kHz`,
        `${(dbRange[0] + level * (dbRange[1] - dbRange[0])).toFixed(0)} dB`,
      ];
      const band = deviation ? deviation.bands.findIndex(([low, high]) => hz >= low && hz < high) : -1;
      if (deviation && deviations && band >= 0) {
        const value = deviations[Math.floor(time * deviation.frames) * deviation.bands.length + band];
        parts.push(`${value > 0 ? '+' : ''}${value.toFixed(1)} SD`);
      }
      return parts.join(' · ').replace(/-/g, '−');
    };
  };

  const placeOf = (event: MouseEvent, element: Element): [number, number] => {
    const box = element.getBoundingClientRect();
    const within = (share: number) => Math.min(0.999999, Math.max(0, share));
    return [within((event.clientX - box.left) / box.width), within((box.bottom - event.clientY) / box.height)];
  };

  /** Moves a line over spectrogram and waveform while the sound plays; a click on them moves the sound. */
  const followSound = (detail: HTMLElement, audio: HTMLAudioElement): void => {
    const panels = detail.querySelector<HTMLElement>('.panels')!;
    const follow = () => {
      if (Number.isFinite(audio.duration)) panels.style.setProperty('--at', String(audio.currentTime / audio.duration));
      panels.classList.add('has-playhead');
      if (!audio.paused && !audio.ended) requestAnimationFrame(follow);
    };
    for (const event of ['play', 'seeked', 'ended']) audio.addEventListener(event, follow);
    for (const track of panels.querySelectorAll<HTMLElement>('.track')) {
      track.classList.add('seekable');
      track.addEventListener('click', (event) => {
        if (Number.isFinite(audio.duration)) audio.currentTime = placeOf(event, track)[0] * audio.duration;
      });
    }
  };

  const start = (detail: HTMLElement): void => {
    if (detail.dataset.started) return;
    detail.dataset.started = 'yes';
    const figure: FigureData = JSON.parse(detail.querySelector('.figure-data')?.textContent ?? '');
    const values = decode(figure.values);
    paint(detail.querySelector('canvas')!, values);
    const read = cellReader(figure, values);
    const readout = detail.querySelector('.readout')!;
    const track = detail.querySelector<HTMLElement>('.spectrogram')!;
    track.addEventListener('pointermove', (event) => {
      readout.textContent = read(...placeOf(event, track));
    });
    track.addEventListener('pointerleave', () => {
      readout.textContent = '';
    });
    const audio = detail.querySelector('audio');
    if (audio) followSound(detail, audio);
  };

  const open = (id: string): void => {
    const detail = details.find((candidate) => candidate.id === id);
    if (!detail) return;
    detail.open = true;
    start(detail);
    detail.querySelector('summary')?.focus({ preventScroll: true });
    detail.scrollIntoView();
  };

  for (const detail of details) {
    detail.addEventListener('toggle', () => detail.open && start(detail));
    if (detail.open) start(detail);
  }
  // A link in the row does the same for the keyboard, and without this script.
  document.querySelector('#recordings-table')?.addEventListener('click', (event) => {
    const row = event.target instanceof Element && event.target.closest<HTMLElement>('tr[data-detail]');
    if (!row || getSelection()?.toString()) return;
    location.hash = `detail-${row.dataset.detail}`;
    // Said again, because an unchanged hash raises no event.
    open(`detail-${row.dataset.detail}`);
  });
  addEventListener('hashchange', () => open(location.hash.slice(1)));
  open(location.hash.slice(1));

  let opened: HTMLDetailsElement[] = [];
  matchMedia('print').addEventListener('change', ({ matches }) => {
    if (matches) {
      opened = details.filter((detail) => !detail.open);
      details.forEach(start);
    }
    for (const detail of opened) detail.open = matches;
  });
};
