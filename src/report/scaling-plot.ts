// Score against the number of parameters: what size buys, and how an encoder stands among those of its size.
import { groupBy } from '../evaluation/group-by.ts';
import type { BenchRow, Column } from '../evaluation/result.ts';
import { ownFirst, parametersText, percent, tableDecimals } from '../evaluation/tables/cells.ts';
import { html, type Markup } from './html.ts';
import { placeLabels } from './label-places.ts';
import { coordinate, fitScale, type Scale } from './scale.ts';

export type ScalingPoint = { encoder: string; parameters: number; score: number; published: boolean };

/** Encoders with both a size and a score, our own first as they get the best places for their labels. */
export const scalingPoints = (rows: readonly BenchRow[], column: string): ScalingPoint[] => {
  const points = rows.flatMap(({ encoder, parameters, published, values }) => {
    const score = values[column]?.value ?? null;
    // An encoder without parameters has no place on a logarithmic axis.
    return !parameters || score === null ? [] : [{ encoder, parameters, score, published }];
  });
  return ownFirst(points);
};

/** Always logarithmic: the range is widened to a factor of 10 where sizes lie closer. */
const sizeScale = (sizes: readonly number[], start: number, end: number, ticks: number): Scale => {
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
  const widen = Math.sqrt(Math.max(1, 10 / (high / low)));
  return fitScale([low / widen, high * widen], start, end, ticks);
};

/** Linear: 0 joins the range where the axis would be logarithmic otherwise. */
const scoreScale = (scores: readonly number[], start: number, end: number): Scale => {
  const scale = fitScale(scores, start, end, 6);
  return scale.log ? fitScale([0, ...scores], start, end, 6) : scale;
};

/** `FISHER small` and `FISHER tiny` are sizes of one family, as are `echo-tiny` and `echo-small`. */
const familyOf = ({ encoder, published }: ScalingPoint): string => `${published} ${encoder.split(/[ -]/)[0]}`;

const familyLines = (points: readonly ScalingPoint[], x: Scale, y: Scale): Markup[] => {
  // Two encoders fused are no size of the first.
  const single = points.filter(({ encoder }) => !encoder.includes(' + '));
  const families = groupBy(single, familyOf);
  return [...families.values()]
    .filter((members) => members.length > 1)
    .map((members) => {
      const path = members
        .toSorted((a, b) => a.parameters - b.parameters)
        .map((p) => `${coordinate(x.position(p.parameters))} ${coordinate(y.position(p.score * 100))}`)
        .join('L');
      return html`<path class="family${members[0].published ? '' : ' own'}" d="M${path}"/>`;
    });
};

/** Ours are filled diamonds, published ones open circles: shapes differ, not colours alone. */
export const pointShape = (x: number, y: number, published: boolean): Markup =>
  published
    ? html`<circle class="point" cx="${coordinate(x)}" cy="${coordinate(y)}" r="4.5"/>`
    : html`<path class="point own" d="M${coordinate(x)} ${coordinate(y - 6)}l6 6l-6 6l-6 -6z"/>`;

/** The plot as SVG, `width` pixels wide. Expects one point at least. */
export const scalingPlot = (points: readonly ScalingPoint[], column: Column, width: number): Markup => {
  const height = width > 600 ? 460 : 440;
  const [left, right, top, bottom] = [52, width - 12, 14, height - 48];
  const x = sizeScale(
    points.map((point) => point.parameters / 1e6),
    left,
    right,
    width > 600 ? 9 : 5,
  );
  const y = scoreScale(
    points.map((point) => point.score * 100),
    bottom,
    top,
  );
  const placedAt = points.map(({ encoder, parameters, score }) => ({
    x: x.position(parameters / 1e6),
    y: y.position(score * 100),
    label: encoder,
  }));
  const labels = placeLabels(placedAt, [left + 2, top - 10, right + 10, bottom - 2]);
  const grid = [
    ...y.ticks.map(
      (tick) =>
        html`<path class="grid" d="M${left} ${coordinate(y.position(tick))}H${right}"/><text class="tick-y" x="${left - 8}" y="${coordinate(y.position(tick) + 4)}">${tick}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        html`<path class="grid" d="M${coordinate(x.position(tick))} ${top}V${bottom}"/><text class="tick" x="${coordinate(x.position(tick))}" y="${bottom + 19}">${tick}</text>`,
    ),
  ];
  const marks = points.map(({ encoder, parameters, score, published }, i) => {
    const text = `${encoder}: ${percent(score, tableDecimals)} %, ${parametersText(parameters)} parameters`;
    return html`<g><title>${text}</title>${pointShape(placedAt[i].x, placedAt[i].y, published)}</g>`;
  });
  const leaders = labels.map(({ box, leader }, i) => {
    if (!leader) return html``;
    const { x: fromX, y: fromY } = placedAt[i];
    const toX = Math.min(box[2], Math.max(box[0], fromX));
    const toY = fromY < box[1] ? box[1] : fromY > box[3] ? box[3] : (box[1] + box[3]) / 2;
    return html`<path class="leader" d="M${coordinate(fromX)} ${coordinate(fromY)}L${coordinate(toX)} ${coordinate(toY)}"/>`;
  });
  const texts = labels.map(
    (label, i) =>
      html`<text class="point-label${points[i].published ? '' : ' own'}" x="${coordinate(label.x)}" y="${coordinate(label.y)}">${points[i].encoder}</text>`,
  );
  const ranked = points
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ encoder, score }) => `${encoder} ${percent(score, tableDecimals)} %`);
  const description = `${column.title} against parameters of ${points.length} encoders, highest: ${ranked.join(', ')}.`;
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${grid}<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>
${familyLines(
  points.map((point) => ({ ...point, parameters: point.parameters / 1e6 })),
  x,
  y,
)}${leaders}${marks}${texts}
<text class="axis-label" x="${(left + right) / 2}" y="${height - 8}">parameters in millions (logarithmic) →</text>
<text class="axis-label" transform="translate(13 ${(top + bottom) / 2}) rotate(-90)">${column.title}, %</text>
</svg>`;
};
