// The sign of a state: each has a shape of its own, so that colour is never the only difference.
import { type Health, healthWords } from '../format.ts';

const shapes: Record<Health, preact.JSX.Element> = {
  normal: <circle cx="12" cy="12" r="6.5" class="filled" />,
  fault: <path d="M12 3.6 21.2 20H2.8z" class="filled" />,
  drift: <path d="M12 2.8 21.2 12 12 21.2 2.8 12z" class="filled" />,
  sensor: <path d="m5 5 14 14M19 5 5 19" class="line" />,
  silent: <path d="M5 12h14" class="line" />,
  unfitted: <circle cx="12" cy="12" r="6.5" class="line dotted" />,
};

/** Only the shape; words stand beside it. */
export const Sign = ({ health }: { health: Health }) => (
  <svg class={`sign ${health}`} viewBox="0 0 24 24" aria-hidden="true">
    {shapes[health]}
  </svg>
);

export const State = ({ health }: { health: Health }) => (
  <span class={`state ${health}`}>
    <Sign health={health} />
    {healthWords[health]}
  </span>
);
