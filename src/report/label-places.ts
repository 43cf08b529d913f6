// Where the labels of points go, so that they cover neither each other nor a point, as far as there is room.

export type LabelledPoint = { x: number; y: number; label: string };

/** Pixels. `x`, `y`: left end and base line of the text; `box`: left, top, right, bottom. */
export type PlacedLabel = { x: number; y: number; box: Box; leader: boolean };

type Box = [left: number, top: number, right: number, bottom: number];

const characterWidth = 7.3;
const lineHeight = 15;
const pointRadius = 6;

const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));

/** Right, left, above, below and the corners, near first and then ever further away. */
const offsets: [dx: number, dy: number][] = [10, 22, 36, 52, 70].flatMap((r): [number, number][] => [
  [r, 0],
  [-r, 0],
  [0, -r],
  [0, r],
  [r * 0.8, -r * 0.8],
  [r * 0.8, r * 0.8],
  [-r * 0.8, -r * 0.8],
  [-r * 0.8, r * 0.8],
]);

const boxAt = (point: LabelledPoint, [dx, dy]: [number, number]): Box => {
  const width = [...point.label].length * characterWidth;
  const left = point.x + dx - (dx > 0 ? 0 : dx < 0 ? width : width / 2);
  const top = point.y + dy - lineHeight / 2 + Math.sign(dy) * (dx === 0 ? lineHeight / 4 : 0);
  return [left, top, left + width, top + lineHeight];
};

const outside = (box: Box, frame: Box): number =>
  Math.max(0, frame[0] - box[0]) +
  Math.max(0, frame[1] - box[1]) +
  Math.max(0, box[2] - frame[2]) +
  Math.max(0, box[3] - frame[3]);

/**
 * A place for every label, in the order of the points: the first of its places, near to far, that covers no point, no
 * label placed before and stays in the frame; else the one that covers least. Far ones ask for a line to their point.
 * Text is taken to be 13 px high and 7.3 px per character.
 */
export const placeLabels = (points: readonly LabelledPoint[], frame: Box): PlacedLabel[] => {
  const marks = points.map(({ x, y }): Box => [x - pointRadius, y - pointRadius, x + pointRadius, y + pointRadius]);
  const placed: Box[] = [];
  return points.map((point) => {
    const cost = (box: Box): number =>
      [...marks, ...placed].reduce((sum, other) => sum + overlap(box, other), 0) + 100 * outside(box, frame);
    let best = { box: boxAt(point, offsets[0]), cost: Number.POSITIVE_INFINITY, far: false };
    for (const [i, offset] of offsets.entries()) {
      const box = boxAt(point, offset);
      const candidate = { box, cost: cost(box), far: i >= 8 };
      if (candidate.cost < best.cost) best = candidate;
      if (best.cost === 0) break;
    }
    placed.push(best.box);
    return { x: best.box[0], y: best.box[3] - 4, box: best.box, leader: best.far };
  });
};
