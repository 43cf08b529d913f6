// The level of the microphone, as a bar and a number.

export type LevelMeter = {
  /** Takes the next samples; nothing hides the meter. */
  show(samples: Float32Array | undefined): void;
};

/** Decibels below full scale at the left end of the bar. */
const FLOOR = -90;
/** The bar falls by this many decibels from one block of samples to the next. */
const FALL = 1.5;
/** From here on samples may be cut off. */
const TOO_LOUD = -0.2;
/** The number changes at most this often, in milliseconds. */
const EVERY = 120;

/** A meter in an element with role `meter`, a bar `i` and a text `span`. */
export function createLevelMeter(element: HTMLElement): LevelMeter {
  const text = element.querySelector('span')!;
  let held = FLOOR;
  let written = 0;
  return {
    show(samples) {
      element.hidden = samples === undefined;
      if (!samples) return;
      const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      held = Math.max(FLOOR, 20 * Math.log10(peak), held - FALL);
      if (performance.now() - written < EVERY) return;
      written = performance.now();
      const loud = held >= TOO_LOUD;
      const words = loud ? 'too loud' : held <= FLOOR ? 'silent' : `${Math.round(held)} dB`.replace('-', '−');
      element.style.setProperty('--at', String(1 - held / FLOOR));
      element.classList.toggle('over', loud);
      element.setAttribute('aria-valuenow', String(Math.round(held)));
      element.setAttribute('aria-valuetext', words);
      text.textContent = words;
    },
  };
}
