// What thrum watch prints: one line for a window, an alarm or an event, or JSON for programs.
import type pc from 'picocolors';
import { pad, printable } from '../evaluation/text/plain.ts';
import { describeEvent, formatTime } from '../monitor/stream/words.ts';
import type { WatchNews } from '../monitor/watch.ts';
import { formatBands, formatPValue, scoreFormat } from '../report/format.ts';

const NAME_WIDTH = 16;

/** As a program reads it: `type` is `score`, `alarm` or `event`. */
export function newsJson(news: WatchNews): string {
  if (news.kind === 'heard') return JSON.stringify({ type: 'score', machine: news.stream, ...news.heard });
  if (news.kind === 'alarm') return JSON.stringify({ type: 'alarm', ...news.change, alarm: news.change.kind });
  if (news.kind === 'event') {
    const { stream: machine, ...event } = news.event;
    return JSON.stringify({ type: 'event', machine, ...event, text: describeEvent(news.event) });
  }
  const { stream: machine, ...rest } = news;
  return JSON.stringify({ type: 'event', machine, ...rest, text: newsText(news) });
}

function newsText(news: Extract<WatchNews, { kind: 'failed' | 'dropped' }>): string {
  if (news.kind === 'failed') return news.reason;
  const windows = news.count === 1 ? '1 window was' : `${news.count} windows were`;
  return `${windows} dropped: hearing is slower than the stream; more workers, a longer hop or a smaller encoder help`;
}

/** As a person reads it; without colours where they are not wanted. */
export function newsLine(news: WatchNews, colours: ReturnType<typeof pc.createColors>): string {
  const line = (atMs: number, machine: string, rest: string): string =>
    `${colours.dim(formatTime(atMs))}  ${pad(printable(machine), NAME_WIDTH, 'left')}  ${rest}`;
  if (news.kind === 'heard') {
    const { startMs, score, threshold, pValue, anomalous, constant, bands } = news.heard;
    if (constant) return line(startMs, news.stream, colours.yellow('○ every sample is the same'));
    const shown = pad(scoreFormat(threshold)(score), 7, 'right');
    const verdict = anomalous ? colours.red('▲ not normal') : colours.green('● normal');
    const where = anomalous ? `  ${formatBands(bands, 2)}` : '';
    return line(startMs, news.stream, `${shown}  p ${formatPValue(pValue)}  ${verdict}${where}`);
  }
  if (news.kind === 'alarm') {
    const { machine, atMs, kind, change, reason } = news.change;
    const mark = change === 'raised' ? colours.red(`ALARM ${kind}`) : colours.green(`alarm ${kind} cleared`);
    return line(atMs, machine, `${mark}: ${printable(reason.text)}`);
  }
  if (news.kind === 'event') {
    const { atMs, stream } = news.event;
    return line(atMs, stream, colours.yellow(`! ${printable(describeEvent(news.event))}`));
  }
  const atMs = news.kind === 'dropped' ? news.fromMs : news.atMs;
  return line(atMs, news.stream, colours.yellow(`! ${printable(newsText(news))}`));
}
