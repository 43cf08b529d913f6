// thrum watch: listens to a folder, a pipe or a broker, and says what is not normal as it comes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import pc from 'picocolors';
import { withThreshold } from '../detection/detector.ts';
import { writeDetector } from '../detection/detector-file.ts';
import { type AlarmFiles, openAlarmFiles } from '../monitor/alarm/alarm-files.node.ts';
import { type Alarms, createAlarms } from '../monitor/alarm/alarms.ts';
import { defaultPolicy } from '../monitor/alarm/policy.ts';
import type { AlarmChange, AlarmPolicy } from '../monitor/alarm/types.ts';
import { createHearingPool } from '../monitor/hearing/pool.node.ts';
import type { Notifier } from '../monitor/notify/notifier.ts';
import { createWebhook } from '../monitor/notify/webhook.node.ts';
import { createWindower } from '../monitor/stream/windows.ts';
import { type WatchNews, watch } from '../monitor/watch.ts';
import { type Command, flag, InputError, number, type Options, required, text, UsageError } from './command.ts';
import { readDetectorFile } from './detector-option.ts';
import { note, print } from './output.ts';
import { workersFrom } from './recording-options.ts';
import { newsJson, newsLine } from './watch-lines.ts';
import { alarmFolderFrom, sourceFrom, sourceOptionSpecs } from './watch-source.ts';

const WINDOW_SECONDS = 10;
/** Windows that may wait for each that is heard, where the source cannot wait. */
const MOST_WAITING = 8;

function policyFrom(options: Options): AlarmPolicy {
  const n = number(options, 'n', { min: 1, max: 1000, integer: true }) ?? defaultPolicy.n;
  const k = number(options, 'k', { min: 1, integer: true }) ?? Math.min(defaultPolicy.k, n);
  if (k > n) throw new UsageError(`--k: expected at most --n ${n}, got ${k}`);
  const minimumSeconds = number(options, 'minimum', { min: 0 }) ?? defaultPolicy.minimumSeconds;
  return { ...defaultPolicy, k, n, minimumSeconds };
}

/** Bytes of the detector, with the threshold of the options; `digest` is that of the file: scores of others do not compare. */
async function detectorFrom(options: Options): Promise<{ path: string; bytes: Uint8Array; digest: string }> {
  const path = required(options, 'detector', 'FILE');
  const detector = await readDetectorFile(path);
  if (!detector.calibration) {
    throw new InputError(`${path} holds labelled faults only, without normal recordings; use thrum diagnose`);
  }
  const threshold = number(options, 'threshold', { above: 0 });
  const file = new Uint8Array(readFileSync(path));
  const bytes = threshold === undefined ? file : await writeDetector(withThreshold(detector, { threshold }));
  return { path, bytes, digest: createHash('sha256').update(file).digest('hex') };
}

/** Who is told of alarms; the secret that signs is no argument, for arguments are seen by everybody on a machine. */
function notifierFrom(options: Options): Notifier | undefined {
  const url = text(options, 'webhook');
  const secret = process.env.THRUM_WEBHOOK_SECRET;
  return url === undefined ? undefined : createWebhook({ url, ...(secret && { secret }), warn: note });
}

/** Alarms that are forgotten at the end: of sources that have no place of their own. */
function alarmsInMemory(policy: AlarmPolicy): AlarmFiles {
  const alarms = new Map<string, Alarms>();
  return {
    observe(machine, observation) {
      const known = alarms.get(machine) ?? createAlarms(machine, policy);
      alarms.set(machine, known);
      return known.observe(observation);
    },
    settled: () => {},
    unsettled: () => [],
  };
}

export const watchCommand: Command = {
  summary: 'listen to a folder, a pipe or a broker, and raise alarms',
  usage: 'SOURCE --detector FILE [options]',
  examples: [
    'thrum watch recordings/ --detector pump.thrum',
    'arecord -f S16_LE -r 16000 -t raw | thrum watch - --format s16le --rate 16k --live --detector pump.thrum',
    'thrum watch "mqtt://broker/plants/{machine}/audio" --client-id hall-7 --detector pump.thrum --json',
    'thrum watch "nats://broker/plants.{machine}.audio" --detector pump.thrum',
  ],
  details:
    'SOURCE is a folder, - (standard input: a WAV file, or raw samples with --format), mqtt://[USER:PASSWORD@]HOST/TOPIC or ' +
    'nats://[USER:PASSWORD@]HOST/SUBJECT; {machine} in a topic is the name of the machine. ' +
    'Samples of a stream are heard in windows; files and bursts as they are. Times are UTC. Ctrl-C ends.',
  options: {
    detector: { value: 'FILE', short: 'd', description: 'detector made by thrum fit' },
    window: { value: 'S', description: `length of a window (default ${WINDOW_SECONDS})` },
    hop: { value: 'S', description: 'from the start of a window to that of the next (default: the window)' },
    tolerance: { value: 'S', description: 'how far times may be off before it is a gap (default 0.5)' },
    k: { value: 'K', description: `alarm when K … (default ${defaultPolicy.k})` },
    n: { value: 'N', description: `… of the last N scores reach the threshold (default ${defaultPolicy.n})` },
    minimum: { value: 'S', description: '… over at least this time' },
    threshold: { value: 'SCORE', description: "another threshold than the detector's own" },
    resample: { description: "convert other rates to the detector's" },
    workers: { value: 'N', description: 'threads that hear (default: all cores)' },
    webhook: { value: 'URL', description: 'post alarms there as JSON (THRUM_WEBHOOK_SECRET signs them)' },
    json: { description: 'print one JSON object per score, alarm and event' },
    ...sourceOptionSpecs,
  },
  async run([given, ...rest], options) {
    if (given === undefined || rest.length > 0)
      throw new UsageError('expected one source: a folder, -, mqtt:// or nats://');
    const windowSeconds = number(options, 'window', { above: 0 }) ?? WINDOW_SECONDS;
    const hopSeconds = number(options, 'hop', { above: 0 });
    const toleranceSeconds = number(options, 'tolerance', { min: 0 });
    const policy = policyFrom(options);
    const threads = Math.max(1, workersFrom(options) ?? availableParallelism());
    const { path, bytes, digest } = await detectorFrom(options);
    const notifier = notifierFrom(options);
    const { source, isLive } = await sourceFrom(given, options);
    const alarmFolder = alarmFolderFrom(given, options);
    const alarms =
      alarmFolder === undefined ? alarmsInMemory(policy) : openAlarmFiles(alarmFolder, policy, { warn: note });
    const windower = createWindower({
      windowSeconds,
      ...(hopSeconds !== undefined && { hopSeconds }),
      ...(toleranceSeconds !== undefined && { toleranceSeconds }),
    });

    const pool = createHearingPool({ threads, folder: dirname(path), anywhere: true });
    const colours = pc.createColors(process.stdout.isTTY === true && pc.isColorSupported);
    const isJson = flag(options, 'json');
    const tell = (news: WatchNews): void => print(isJson ? newsJson(news) : newsLine(news, colours));
    /** Without a notifier, what is printed is told. */
    const handOn = async (change: AlarmChange): Promise<void> => {
      if (notifier) await notifier.notify(change, () => alarms.settled(change));
      else alarms.settled(change);
    };

    const stop = new AbortController();
    const interrupted = (): void => stop.abort();
    // The second Ctrl-C ends at once.
    process.once('SIGINT', interrupted);
    process.once('SIGTERM', interrupted);
    try {
      for (const change of alarms.unsettled()) {
        if (!notifier) tell({ kind: 'alarm', change });
        await handOn(change);
      }
      const totals = await watch({
        source,
        windower,
        hear: ({ recording, startMs }) =>
          pool.hear({
            sound: { kind: 'recording', recording },
            detector: { key: path, bytes },
            startMs,
            resample: flag(options, 'resample'),
          }),
        decide: (machine, heard) => alarms.observe(machine, { ...heard, detector: digest }),
        notify: handOn,
        report: tell,
        signal: stop.signal,
        ahead: threads,
        ...(isLive && { mostWaiting: MOST_WAITING * threads }),
      });
      note(
        `${totals.heard} heard, ${totals.anomalous} not normal, ${totals.alarms} changes of alarms, ${totals.failed} troubles, ${totals.dropped} dropped`,
      );
      return totals.failed > 0 && !stop.signal.aborted ? 1 : 0;
    } finally {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      await notifier?.close();
      await pool.close();
    }
  },
};
