// thrum worker: one of any number of processes that hear what sensors send to a fleet.
import { createAlarms } from '../monitor/alarm/alarms.ts';
import { defaultPolicy } from '../monitor/alarm/policy.ts';
import { createHearingPool } from '../monitor/hearing/pool.node.ts';
import { openOutboxes } from '../monitor/notify/outbox.ts';
import { runWorker } from '../monitor/queue/worker.node.ts';
import { openStore } from '../monitor/store/open.node.ts';
import { openBlobs } from '../monitor/store/open-blobs.node.ts';
import { type Command, number, required, text, UsageError } from './command.ts';
import { notifierOptions, notifiersFrom } from './notifiers.ts';
import { note, print } from './output.ts';
import { untilSignal } from './until-signal.ts';

/** A quarter of it for files as they come from the blobs, the rest for the pool. */
const DETECTOR_MEMORY = 2 ** 30;

export const workerCommand: Command = {
  summary: 'hear what sensors send to a queue on NATS, beside any number of others',
  usage: '--nats URL --store URL --blobs URL [options]',
  details:
    'Sensors publish recordings to thrum.in.MACHINE (over MQTT: thrum/in/MACHINE). A worker hears each with the detector of its\nmachine and stores the result once, whatever is killed meanwhile; start as many as there is work for. What cannot be\nheard goes to the dead letters. The streams are made by the first worker, and later left as they are. Alarms go out under thrum.alarms.MACHINE.KIND, and where --webhook and --mqtt say.\nA worker also does the files of archives that thrum embed and thrum score spread with --queue.',
  examples: [
    'thrum worker --nats nats://broker:4222 --store postgres://thrum@db/thrum --blobs s3://sounds',
    'thrum worker --nats nats://a:4222,nats://b:4222,nats://c:4222 --replicas 3 --store postgres://thrum@db/thrum --blobs /mnt/sounds',
  ],
  options: {
    nats: { value: 'URLS', description: 'servers of NATS with JetStream, with commas between' },
    store: { value: 'URL', description: 'where results go: a file on this machine, or postgres://…' },
    blobs: { value: 'URL', description: 'where sounds and detectors lie: a folder, s3://… or nats://…' },
    threads: { value: 'N', description: 'threads that hear (one for each processor)' },
    replicas: { value: 'N', description: 'servers that keep each message (1; 3 in a cluster)' },
    'max-bytes': { value: 'N', description: 'bytes that may wait; senders are refused beyond (1 GiB)' },
    'max-messages': { value: 'N', description: 'recordings that may wait; senders are refused beyond (100000)' },
    'ack-seconds': { value: 'S', description: 'silence after which a worker is taken for dead (30)' },
    'job-seconds': { value: 'S', description: 'a recording that takes longer to be heard is a dead letter (120)' },
    'max-failures': { value: 'N', description: 'failures that make a recording a dead letter (5)' },
    'detector-memory': {
      value: 'BYTES',
      description: 'memory for detectors; those of the machines heard last stay (1 GiB)',
    },
    archives: {
      value: 'FOLDERS',
      description: 'folders whose files embed and score may name with --queue --shared, with commas between',
    },
    'max-seconds': { value: 'S', description: 'longest recording (3600)' },
    ...notifierOptions,
  },
  async run(files, options) {
    if (files.length > 0) throw new UsageError(`worker takes no files, got ${files[0]}`);
    const servers = required(options, 'nats', 'URLS').split(',');
    const [storeUrl, blobsUrl] = [required(options, 'store', 'URL'), required(options, 'blobs', 'URL')];
    const whole = (name: string) => number(options, name, { min: 1, integer: true });
    const seconds = (name: string) => number(options, name, { above: 0 });
    if (text(options, 'store') === ':memory:')
      throw new UsageError('--store: workers share a store; :memory: is of one process');
    const signal = untilSignal();
    const store = await openStore(storeUrl);
    const closing: (() => Promise<void>)[] = [() => store.close()];
    try {
      const blobs = await openBlobs(blobsUrl);
      closing.push(() => blobs.close());
      const memory = whole('detector-memory') ?? DETECTOR_MEMORY;
      const pool = createHearingPool({
        threads: whole('threads'),
        jobSeconds: seconds('job-seconds'),
        detectorBytes: (3 * memory) / 4,
      });
      closing.push(() => pool.close());
      const notifiers = notifiersFrom(options, note);
      const outboxes = await openOutboxes(store, { notifiers, warn: note });
      closing.push(() => outboxes.close());
      const worker = await runWorker({
        ...{ servers, store, blobs, pool, createAlarms, policy: defaultPolicy, log: note },
        onResult({ changes }) {
          if (changes.length > 0) outboxes.wake();
        },
        detectorBytes: memory / 4,
        replicas: whole('replicas'),
        maxBytes: whole('max-bytes'),
        maxMessages: whole('max-messages'),
        ackSeconds: seconds('ack-seconds'),
        maxFailures: whole('max-failures'),
        maxSeconds: seconds('max-seconds'),
        archives: text(options, 'archives')?.split(','),
      });
      print('thrum worker is ready');
      await Promise.race([signal, worker.ended]);
      await worker.stop();
      const { stored, known, buried, returned } = worker.counts();
      note(`${stored} recordings heard, ${known} known before, ${buried} dead letters, ${returned} given back`);
      return 0;
    } finally {
      for (const close of closing.reverse()) await close();
    }
  },
};
