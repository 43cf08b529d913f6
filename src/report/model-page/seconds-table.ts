// What the model said of a file, second by second, as a table: to be read, and to be copied.
import { labelProbabilities } from '../../encoders/label-probabilities.ts';
import type { Labels } from '../../encoders/types.ts';
import { formatNumber } from '../format.ts';
import type { Heard } from './messages.ts';

/** Fills the table in `element`, and shows it. Without labels there are distances. */
export function fillSeconds(element: HTMLElement, heard: readonly Heard[], labels: Labels | undefined): void {
  const rows = heard.map(({ start, end, logits, distance }) => {
    const shares = logits && labels ? labelProbabilities(logits, labels) : [];
    const most = Math.max(...shares);
    const figure = labels ? most.toFixed(3) : distance === undefined ? '' : formatNumber(distance);
    const cells = [`${formatNumber(start)} s`, `${formatNumber(end)} s`, labels?.names[shares.indexOf(most)], figure];
    const row = document.createElement('tr');
    for (const [i, textContent] of cells.entries()) {
      if (textContent === undefined) continue;
      row.append(Object.assign(document.createElement('td'), { textContent, className: i === 3 ? 'number' : '' }));
    }
    return row;
  });
  element.querySelector('tbody')!.replaceChildren(...rows);
  element.querySelector<HTMLElement>('#column')!.hidden = !labels;
  element.querySelector('#figure')!.textContent = labels ? 'probability' : 'distance';
  element.hidden = false;
}
