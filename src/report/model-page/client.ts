// The page's own script: takes files and the microphone, asks the worker, shows what it answers. Bundled into one script.
import { InputError } from '../../signal/errors.ts';
import { formatCount, formatNumber } from '../format.ts';
import { normalText, type Sound, verdictOf } from './findings.ts';
import { createLevelMeter } from './level-meter.ts';
import type { Heard, Normal, Opened, Reply, Request } from './messages.ts';
import { type Microphone, openMicrophone } from './microphone.ts';
import { fillSeconds } from './seconds-table.ts';
import { createWindower, STREAM_SECONDS } from './spans.ts';
import { createTracks, type Tracks } from './tracks.ts';
import { startWorker, unpack } from './unpack.ts';

const find = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;
const [drop, problem, status, result] = ['drop', 'problem', 'status', 'result'].map((id) => find(id));
const [source, verdict, foot, seconds] = ['source', 'verdict', 'foot', 'seconds'].map((id) => find(id));
const chooser = find<HTMLInputElement>('file');
const [choose, microphoneButton, mark, forget] = ['choose', 'microphone', 'mark', 'forget'].map((id) =>
  find<HTMLButtonElement>(id),
);
const meter = createLevelMeter(find('level'));

/** Changes of what the microphone hears are spoken at most this often, in milliseconds. */
const SPOKEN_EVERY = 2000;

/** So many labels are named. */
const FEW = 8;

type Shown = Sound & { number: number; heard: Heard[]; opened?: Opened; embedSeconds?: number };

let worker: Worker;
let ready: Extract<Reply, { kind: 'ready' }>;
let tracks: Tracks;
let microphone: Microphone | undefined;
let normal: Normal = { count: 0 };
let shown: Shown = { number: 0, live: false, heard: [] };
/** A window is with the worker: those that come meanwhile are left out on a slow device. */
let waiting = false;
let spoken = { text: '', at: 0 };

const ask = (request: Request, transfer: Transferable[] = []): void => worker.postMessage(request, transfer);
const say = (text: string): void => {
  if (status.textContent !== text) status.textContent = text;
};
const complain = (text: string): void => {
  problem.textContent = text;
  problem.hidden = text === '';
};
const complainOf = (error: unknown): void =>
  complain(error instanceof InputError ? error.message : `Something went wrong: ${(error as Error).message}`);

/** Puts a new sound in the place of the one before. */
function begin(live: boolean): number {
  shown = { number: shown.number + 1, live, heard: [] };
  waiting = false;
  complain('');
  [foot.textContent, source.textContent] = ['', ''];
  seconds.hidden = true;
  return shown.number;
}

let drawing = false;
/** Draws what is known, once for all that came since the last picture. */
function draw(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    tracks.update(shown, normal);
    const { text, detail, anomalous } = verdictOf(shown, ready.labels, normal);
    const share = Object.assign(document.createElement('span'), { textContent: detail });
    verdict.replaceChildren(text, ...(detail ? [share] : []));
    verdict.classList.toggle('anomalous', anomalous);
    if (
      microphone &&
      shown.live &&
      shown.heard.length > 0 &&
      text !== '…' &&
      text !== spoken.text &&
      performance.now() - spoken.at > SPOKEN_EVERY
    ) {
      spoken = { text, at: performance.now() };
      say(`Listening: ${text}.`);
    }
    [mark.disabled, forget.hidden] = [shown.heard.length === 0, normal.count === 0];
    find('normal-state').textContent = normalText(normal);
  });
}

/** Of a file, when all of it is heard. */
function finish({ opened, heard, embedSeconds = 0 }: Shown & { opened: Opened }): void {
  const { text, detail } = verdictOf(shown, ready.labels, normal);
  say(`${opened.name}: ${text}${detail ? ` (${detail})` : ''}.`);
  const each = embedSeconds / opened.seconds;
  const notes = [
    `${formatNumber(each * 1000, 2)} ms for a second of sound, ${formatNumber(1 / each, 2)} times as fast as it plays.`,
    ...(opened.constant ? ['Every sample is the same: silence, or a dead sensor.'] : []),
    ...(opened.channels > 1 ? [`The first of ${opened.channels} channels was heard.`] : []),
    ...(opened.recordings > 1 ? [`The first of ${opened.recordings} recordings in the file was heard.`] : []),
  ];
  foot.textContent = notes.join(' ');
  fillSeconds(seconds, heard, ready.labels);
}

function receive(reply: Reply): void {
  if ('sound' in reply && reply.sound !== undefined && reply.sound !== shown.number) return;
  if (reply.kind === 'ready') start(reply);
  else if (reply.kind === 'failed') {
    waiting = false;
    complain(reply.message);
    say('');
  } else if (reply.kind === 'opened') {
    shown.opened = reply;
    source.textContent = `${reply.name}, ${formatNumber(reply.seconds)} s at ${formatNumber(reply.sampleRate / 1000)} kHz`;
    result.hidden = false;
    result.scrollIntoView({ block: 'nearest' });
    tracks.begin(reply.picture);
  } else if (reply.kind === 'whole') {
    Object.assign(shown, { whole: reply.logits, embedSeconds: reply.embedSeconds });
  } else if (reply.kind === 'heard') {
    waiting = false;
    shown.heard.push(reply.heard);
    if (shown.live) shown.heard = shown.heard.filter(({ end }) => end > reply.heard.end - STREAM_SECONDS);
  } else {
    normal = { count: reply.count, ...(reply.limit !== undefined && { limit: reply.limit }) };
    shown.heard = shown.heard.map((heard, i) => ({ ...heard, distance: reply.distances[i] }));
  }
  if (result.hidden) return;
  draw();
  const { opened, heard } = shown;
  if (opened && heard.length === opened.pieces && reply.kind !== 'failed') finish({ ...shown, opened });
}

async function hearFile(file: File | undefined): Promise<void> {
  if (!file) return;
  stopMicrophone();
  const sound = begin(false);
  result.hidden = true;
  say(`Reading ${file.name} …`);
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    ask({ kind: 'file', sound, bytes, name: file.name }, [bytes.buffer]);
  } catch (error) {
    complain(`${file.name} could not be read: ${(error as Error).message}`);
  }
}

function stopMicrophone(): void {
  microphone?.close();
  microphone = undefined;
  meter.show(undefined);
  microphoneButton.setAttribute('aria-pressed', 'false');
  microphoneButton.querySelector('span')!.textContent = 'Use the microphone';
}

async function hearMicrophone(): Promise<void> {
  const sound = begin(true);
  const { windowSeconds } = ready;
  say('Opening the microphone …');
  let windower: ReturnType<typeof createWindower> | undefined;
  const opened = await openMicrophone(
    (block) => {
      if (sound !== shown.number || !microphone) return;
      meter.show(block);
      const next = windower?.push(block);
      if (!next || waiting) return;
      waiting = true;
      ask({ kind: 'window', sound, ...next, sampleRate: opened.sampleRate }, [next.samples.buffer]);
    },
    () => {
      stopMicrophone();
      complain('The microphone went away; connect it and try again.');
    },
  );
  // Meanwhile a file may have come.
  if (sound !== shown.number) return opened.close();
  microphone = opened;
  windower = createWindower(opened.sampleRate, windowSeconds);
  microphoneButton.setAttribute('aria-pressed', 'true');
  microphoneButton.querySelector('span')!.textContent = 'Stop listening';
  say('Listening …');
  source.textContent = `Microphone, ${formatNumber(opened.sampleRate / 1000)} kHz`;
  foot.textContent = `Each value is of the ${formatNumber(windowSeconds)} s before it.`;
  result.hidden = false;
  tracks.begin();
  draw();
}

function start(reply: Extract<Reply, { kind: 'ready' }>): void {
  ready = reply;
  const { labels, windowSeconds } = reply;
  tracks = createTracks(find('tracks'), labels);
  const names = labels?.names ?? [];
  const known = names.length > FEW ? formatCount(names.length, 'label') : names.join(', ');
  const task = labels ? `It knows ${known}` : 'It tells how unlike normal a sound is';
  find('about').textContent = `${task}, and hears ${formatNumber(windowSeconds)} s at once.`;
  find('normal').hidden = labels !== undefined;
  for (const control of [choose, microphoneButton]) control.disabled = false;
}

function listenToReader(): void {
  choose.addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    void hearFile(chooser.files?.[0]);
    // The same file may be chosen again.
    chooser.value = '';
  });
  microphoneButton.addEventListener('click', () => {
    if (!microphone)
      return hearMicrophone()
        .catch(complainOf)
        .finally(() => !microphone && shown.live && say(''));
    stopMicrophone();
    return say('Stopped.');
  });
  mark.addEventListener('click', () => ask({ kind: 'mark' }));
  forget.addEventListener('click', () => ask({ kind: 'forget' }));
  // Beside the zone too: the browser would open the file in the place of the page.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', (event) => drop.classList.toggle('over', event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (!choose.disabled) void hearFile(event.dataTransfer?.files[0]);
  });
  const redraw = (): void => {
    if (!result.hidden) draw();
  };
  window.addEventListener('resize', redraw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

async function main(): Promise<void> {
  listenToReader();
  worker = await startWorker();
  worker.onmessage = ({ data }: MessageEvent<Reply>) => receive(data);
  worker.onerror = (event) => complain(`The model could not be started: ${event.message}`);
  const [runtime, weights] = [await unpack('runtime'), await unpack('weights')];
  ask({ kind: 'start', runtime, weights, name: document.title }, [runtime.buffer, weights.buffer]);
}

main().catch((error: Error) => complain(`The model could not be started: ${error.message}`));
