// Pictures on canvases: a spectrogram, and a quantity over time.
import { colourStops, colourTable } from '../colour-map.ts';
import type { ReportSpectrogram } from '../types.ts';
import type { Span } from './messages.ts';

/** One cell per pixel of the canvas; the style sheet stretches it. */
export function paintSpectrogram(canvas: HTMLCanvasElement, { frames, bins, values }: ReportSpectrogram): void {
  canvas.width = frames;
  canvas.height = bins;
  const context = canvas.getContext('2d');
  if (!context) return;
  const colours = colourTable(colourStops);
  const image = context.createImageData(frames, bins);
  for (let frame = 0; frame < frames; frame++) {
    for (let bin = 0; bin < bins; bin++) {
      const level = values[frame * bins + bin] * 3;
      const pixel = ((bins - 1 - bin) * frames + frame) * 4;
      image.data.set(colours.subarray(level, level + 3), pixel);
      image.data[pixel + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** A value that holds from `start` to `end`, in seconds. */
export type Step = Span & { value: number };

export type Trace = {
  steps: readonly Step[];
  /** Seconds at the left and the right edge. */
  span: Span;
  /** Value at the upper edge; 0 is at the lower one. */
  top: number;
  /** A value to compare with. */
  limit?: { value: number; text: string };
};

/** Steps nearer to each other than this share of their own length belong together. */
const TOGETHER = 0.5;

/** Draws steps as an area in the canvas' own colour, at the resolution of the screen. */
export function drawTrace(canvas: HTMLCanvasElement, { steps, span, top, limit }: Trace): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const density = window.devicePixelRatio;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  const { color, fontFamily } = getComputedStyle(canvas);
  context.scale(density, density);
  const x = (seconds: number): number => ((seconds - span.start) / (span.end - span.start)) * width;
  // The line keeps within the canvas at both ends of the scale.
  const y = (value: number): number => height - 1 - (Math.min(value, top) / top) * (height - 3);
  const outline = new Path2D();
  const area = new Path2D();
  let last: Step | undefined;
  for (const step of steps) {
    const joined = last && step.start - last.end < TOGETHER * (step.end - step.start);
    const left = joined && last ? x(last.end) : x(step.start);
    if (joined) outline.lineTo(left, y(step.value));
    else outline.moveTo(left, y(step.value));
    outline.lineTo(x(step.end), y(step.value));
    area.rect(left, y(step.value), x(step.end) - left, height - y(step.value));
    last = step;
  }
  context.fillStyle = color;
  context.globalAlpha = 0.2;
  context.fill(area);
  context.globalAlpha = 1;
  context.strokeStyle = color;
  context.lineWidth = 1.6;
  context.lineJoin = 'round';
  context.stroke(outline);
  if (!limit || limit.value > top) return;
  const style = getComputedStyle(document.body);
  context.strokeStyle = context.fillStyle = style.color;
  context.lineWidth = 1;
  context.setLineDash([5, 4]);
  context.beginPath();
  context.moveTo(0, y(limit.value));
  context.lineTo(width, y(limit.value));
  context.stroke();
  context.font = `12px ${fontFamily}`;
  context.fillText(limit.text, 6, y(limit.value) - 6);
}
