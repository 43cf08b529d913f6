// Score against the share of training data (RMIS): measured points, and the anchors its area is closed with.
import type { MultiSplitCurve } from '../evaluation/result.ts';
import { detailDecimals, percent } from '../evaluation/tables/cells.ts';
import { html, type Markup } from './html.ts';
import { coordinate } from './scale.ts';

const [width, height] = [560, 330];
const [left, right, top, bottom] = [46, width - 16, 16, height - 48];

const xOf = (share: number): number => left + share * (right - left);
const yOf = (score: number): number => bottom - score * (bottom - top);
const at = (share: number, score: number): string => `${coordinate(xOf(share))} ${coordinate(yOf(score))}`;

const fifths = [0, 0.2, 0.4, 0.6, 0.8, 1];

const grid = (): Markup[] =>
  fifths.map(
    (share) =>
      html`<path class="grid" d="M${left} ${coordinate(yOf(share))}H${right}"/><text class="tick-y" x="${left - 8}" y="${coordinate(yOf(share) + 4)}">${percent(share, 0)}</text><text class="tick" x="${coordinate(xOf(share))}" y="${bottom + 19}">${percent(share, 0)}</text>`,
  );

/**
 * The curve as SVG, both axes 0 to 100 %. Dashed: from chance, 1 / `classes`, without training data, and to 100 % with
 * nothing left to test, as the area under the curve assumes. Expects one point at least.
 */
export const multiSplitPlot = (curve: MultiSplitCurve, classes: number): Markup => {
  const points = curve.trainShare
    .map((share, i) => ({ share, score: curve.score[i] }))
    .sort((a, b) => a.share - b.share);
  const chance = 1 / classes;
  const [first, last] = [points[0], points[points.length - 1]];
  const line = points.map(({ share, score }) => at(share, score)).join('L');
  const dots = points.map(
    ({ share, score }) =>
      html`<circle class="curve-dot" cx="${coordinate(xOf(share))}" cy="${coordinate(yOf(score))}" r="3"><title>${percent(share, 0)} % for training: ${percent(score, detailDecimals)} %</title></circle>`,
  );
  const area = `area ${percent(curve.trapezoid, detailDecimals)} % (trapezoid), ${percent(curve.simpson, detailDecimals)} % (Simpson)`;
  const description = `Score from ${percent(first.score, detailDecimals)} % with ${percent(first.share, 0)} % of the data for training to ${percent(last.score, detailDecimals)} % with ${percent(last.share, 0)} %; ${area}; chance ${percent(chance, detailDecimals)} %.`;
  return html`<figure class="curve-figure"><svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${grid()}<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>
<path class="chance" d="M${at(0, chance)}H${right}"/><text class="tick-y" x="${right}" y="${coordinate(yOf(chance) + 16)}">chance ${percent(chance, detailDecimals)} %</text>
<path class="anchor-line" d="M${at(0, chance)}L${at(first.share, first.score)}M${at(last.share, last.score)}L${at(1, 1)}"/>
<path class="curve normal" d="M${line}"/>${dots}
<circle class="anchor" cx="${coordinate(xOf(0))}" cy="${coordinate(yOf(chance))}" r="4"/><circle class="anchor" cx="${coordinate(xOf(1))}" cy="${coordinate(yOf(1))}" r="4"/>
<text class="axis-label" x="${(left + right) / 2}" y="${height - 8}">share of the data for training, % →</text>
<text class="axis-label" transform="translate(13 ${(top + bottom) / 2}) rotate(-90)">score, %</text>
</svg><figcaption class="caption">Under the curve: ${area}. Dashed: anchors at chance and at 100 %.</figcaption></figure>`;
};
