// In the reader's browser: the values of a training run at the step under the pointer. Embedded as source, so it uses nothing outside of itself.
import { type Markup, raw } from './html.ts';

/** Points of one curve as the page carries them: steps, raw values, smoothed values or nothing. */
export type CurvePoints = { x: number[]; raw: number[]; smoothed?: number[] };

/** Brings every chart to life: pointer and arrow keys move a line, and the legend shows the values there. */
export const startRunCharts = (): void => {
  const data = document.querySelector('#run-curves')?.textContent;
  if (!data) return;
  const charts: Record<string, CurvePoints[]> = JSON.parse(data);

  const nearest = (x: number[], step: number): number => {
    let [low, high] = [0, x.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < step) low = middle + 1;
      else high = middle;
    }
    return low > 0 && step - x[low - 1] < x[low] - step ? low - 1 : low;
  };
  for (const figure of document.querySelectorAll<HTMLElement>('.run-chart')) {
    const series = charts[figure.id];
    const digits = Number(figure.dataset.digits);
    const shown = (value: number): string => String(Number(value.toPrecision(digits)));
    const outputs = [...figure.querySelectorAll<HTMLElement>('.run-value')];
    const place = figure.querySelector<HTMLElement>('.run-step');
    const before = [place, ...outputs].map((output) => output?.textContent ?? '');
    const plots = [...figure.querySelectorAll<SVGSVGElement>('.run-plot')];
    // The longest curve is the one to walk along.
    const steps = series.reduce((a, b) => (b.x.length > a.x.length ? b : a)).x;
    let at = steps.length - 1;

    const show = (): void => {
      if (place) place.textContent = `step ${String(steps[at]).replace(/\B(?=(\d{3})+$)/g, ',')}`;
      outputs.forEach((output, i) => {
        const { x, raw: values, smoothed } = series[i];
        const j = nearest(x, steps[at]);
        output.textContent = smoothed ? `${shown(values[j])}, smoothed ${shown(smoothed[j])}` : shown(values[j]);
      });
      for (const plot of plots) {
        const [left, right, first, last] = ['left', 'right', 'first', 'last'].map((key) => Number(plot.dataset[key]));
        const share = last > first ? (steps[at] - first) / (last - first) : 0.5;
        const cursor = plot.querySelector('.cursor');
        cursor?.setAttribute('transform', `translate(${left + share * (right - left)} 0)`);
        cursor?.setAttribute('visibility', 'visible');
      }
    };
    const hide = (): void => {
      [place, ...outputs].forEach((output, i) => {
        if (output) output.textContent = before[i];
      });
      for (const plot of plots) plot.querySelector('.cursor')?.setAttribute('visibility', 'hidden');
    };

    for (const plot of plots) {
      const [left, right, first, last] = ['left', 'right', 'first', 'last'].map((key) => Number(plot.dataset[key]));
      const follow = (event: PointerEvent): void => {
        const box = plot.getBoundingClientRect();
        const px = ((event.clientX - box.left) / box.width) * plot.viewBox.baseVal.width;
        at = nearest(steps, first + ((px - left) / (right - left)) * (last - first));
        show();
      };
      plot.addEventListener('pointermove', follow);
      plot.addEventListener('pointerdown', follow);
      plot.addEventListener('pointerleave', hide);
      plot.addEventListener('blur', hide);
      plot.addEventListener('keydown', (event) => {
        const move = ({ ArrowLeft: -1, ArrowRight: 1 } as Record<string, number | undefined>)[event.key];
        if (move === undefined) return;
        at = Math.min(steps.length - 1, Math.max(0, at + move));
        show();
        event.preventDefault();
      });
    }
  }
};

/** The script element. `__name` is what some compilers (esbuild's keepNames) call in every function. */
export const trainingScript = (): Markup =>
  raw(`<script>(() => {
'use strict';
const __name = (value) => value;
(${startRunCharts})();
})();</script>`);
