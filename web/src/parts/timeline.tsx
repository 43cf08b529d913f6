// The timeline of a machine: scores with threshold and alarms; by pointer and by keyboard.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiAlarm, ApiScore } from '../backend/api.ts';
import { onTheme } from '../theme.ts';
import { type Axis, axisValue, type Chart, createChart } from './chart.ts';
import { nextAnomalous, scoreText, suggestedAxis } from './timeline-text.ts';

type Props = {
  scores: readonly ApiScore[];
  alarms: readonly ApiAlarm[];
  threshold: number;
  trial?: number;
  selected?: number;
  onSelect(at: number): void;
  /** Enter was pressed on a score. */
  onOpen(): void;
};

const PAGE = 10;

export function Timeline({ scores, alarms, threshold, trial, selected, onSelect, onOpen }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart>(undefined);
  const latest = useRef({ scores, onSelect });
  latest.current = { scores, onSelect };
  const [chosenAxis, setAxis] = useState<Axis>();
  const axis = chosenAxis ?? suggestedAxis(scores);
  const [zoomed, setZoomed] = useState(false);

  const data = { scores, alarms, threshold, trial, axis, selected };
  // made once; what changes is shown below
  useEffect(() => {
    if (!box.current) return;
    const made = createChart(
      box.current,
      data,
      (at) => latest.current.onSelect(at),
      () => setZoomed(made.zoomed()),
    );
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(box.current);
    const stop = onTheme(() => made.repaint());
    return () => {
      observer.disconnect();
      stop();
      made.destroy();
    };
  }, []);
  useEffect(() => chart.current?.show(data));

  const at = selected ?? scores.length - 1;
  const scale = (factor: number): void => {
    const made = chart.current;
    if (!made || scores.length === 0) return;
    const [from, to] = made.range();
    const middle = selected === undefined ? (from + to) / 2 : axisValue(scores, axis, at);
    made.zoom([middle - (middle - from) * factor, middle + (to - middle) * factor]);
    setZoomed(made.zoomed());
  };
  const reset = (): void => {
    chart.current?.zoom(undefined);
    setZoomed(false);
  };
  const shift = (share: number): void => {
    const made = chart.current;
    if (!made) return;
    const [from, to] = made.range();
    made.zoom([from + share * (to - from), to + share * (to - from)]);
    setZoomed(made.zoomed());
  };
  /** Selects a score, and brings it into view. */
  const select = (next: number | undefined): void => {
    if (next === undefined || scores.length === 0) return;
    const to = Math.min(scores.length - 1, Math.max(0, next));
    const made = chart.current;
    if (made?.zoomed()) {
      const [low, high] = made.range();
      const x = axisValue(scores, axis, to);
      if (x < low || x > high) made.zoom([x - (high - low) / 2, x + (high - low) / 2]);
    }
    onSelect(to);
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => select(selected === undefined ? at : at - 1),
    ArrowRight: () => select(selected === undefined ? at : at + 1),
    ArrowDown: () => select(at - 1),
    ArrowUp: () => select(at + 1),
    PageUp: () => select(at - PAGE),
    PageDown: () => select(at + PAGE),
    Home: () => select(0),
    End: () => select(scores.length - 1),
    n: () => select(nextAnomalous(scores, at, 1)),
    p: () => select(nextAnomalous(scores, selected ?? scores.length, -1)),
    '+': () => scale(0.5),
    '-': () => scale(2),
    '0': reset,
    '<': () => shift(-0.25),
    '>': () => shift(0.25),
    Enter: onOpen,
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key === '=' ? '+' : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  return (
    <div class="timeline">
      <div
        ref={box}
        class="chart"
        role="slider"
        tabIndex={0}
        aria-label="Scores over time; arrow keys go from score to score"
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={Math.max(1, scores.length)}
        aria-valuenow={Math.max(1, at + 1)}
        aria-valuetext={scores.length === 0 ? 'no scores yet' : scoreText(scores, Math.max(0, at))}
        onKeyDown={onKeyDown}
      />
      <div class="chart-tools">
        <span class="caption">
          Drag to zoom, click a score to see the moment. Keys: ← → scores, <kbd>n</kbd> <kbd>p</kbd> what is not normal,{' '}
          <kbd>+</kbd> <kbd>−</kbd> zoom.
        </span>
        <fieldset class="choices">
          <legend class="unseen">Horizontal axis</legend>
          {(['time', 'order'] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="axis" checked={axis === one} onChange={() => setAxis(one)} />
              {one === 'time' ? 'by time' : 'in order'}
            </label>
          ))}
        </fieldset>
        <button type="button" onClick={() => scale(0.5)} aria-label="Zoom in">
          +
        </button>
        <button type="button" onClick={() => scale(2)} disabled={!zoomed} aria-label="Zoom out">
          −
        </button>
        <button type="button" onClick={reset} disabled={!zoomed}>
          All
        </button>
      </div>
    </div>
  );
}
