// thrum serve: machines listened to over HTTP, on one box, with a page.
import { parseKeyRequest } from '../server/keys.ts';
import { DEFAULT_DATA, DEFAULT_PORT, makeKeyAt, type ServeOptions, type Serving, serve } from '../server/serve.ts';
import { type Command, choice, flag, number, type Options, text, UsageError } from './command.ts';
import { notifierOptions, webhookFrom } from './notifiers.ts';
import { print } from './output.ts';
import { untilSignal } from './until-signal.ts';
import { version } from './version.ts';

const megabytes = (options: Options, name: string): number | undefined => {
  const given = number(options, name, { above: 0 });
  return given === undefined ? undefined : Math.round(given * 2 ** 20);
};

function serveOptions(options: Options): ServeOptions {
  return {
    host: text(options, 'host'),
    port: number(options, 'port', { min: 0, max: 65_535, integer: true }),
    data: text(options, 'data'),
    store: text(options, 'store'),
    blobs: text(options, 'blobs'),
    threads: number(options, 'threads', { min: 1, max: 256, integer: true }),
    queue: number(options, 'queue', { min: 1, integer: true }),
    maxBodyBytes: megabytes(options, 'max-body'),
    maxSeconds: number(options, 'max-seconds', { above: 0 }),
    maxAgeDays: number(options, 'max-age-days', { above: 0 }),
    maxBytes: number(options, 'max-bytes', { min: 1, integer: true }),
    scoreDays: number(options, 'score-days', { above: 0 }),
    allowHosts: text(options, 'allow-host')?.split(','),
    requireKey: flag(options, 'require-key'),
    webhook: webhookFrom(options),
    mqtt: text(options, 'mqtt'),
    nats: text(options, 'nats')?.split(','),
    logFormat: choice(options, 'log', ['text', 'json']),
    version: version(),
  };
}

export const serveCommand: Command = {
  summary: 'listen to machines over HTTP, with a page, alarms and an API',
  usage: '[options]',
  examples: ['thrum serve', 'thrum serve --make-key plant:write', 'thrum serve --host 0.0.0.0 --data /var/lib/thrum'],
  details:
    'Without options it serves this machine alone, keeps what it hears in thrum-data, and asks for no key. On an address that others reach, every request needs a key. The API describes itself at /api/openapi.json.',
  options: {
    host: { value: 'ADDRESS', description: 'where to listen (127.0.0.1)' },
    port: { value: 'N', description: `port, 0 for any that is free (${DEFAULT_PORT})` },
    data: { value: 'DIR', description: `folder of the store and of the sounds (${DEFAULT_DATA})` },
    store: { value: 'URL', description: 'another store: a file, or postgres://…' },
    blobs: { value: 'URL', description: 'another place for sounds: a folder, s3://… or nats://…' },
    threads: { value: 'N', description: 'threads that hear (one for each processor)' },
    queue: { value: 'N', description: 'recordings that may wait for a thread (64)' },
    'max-body': { value: 'MB', description: 'largest upload (64)' },
    'max-seconds': { value: 'S', description: 'longest recording (3600)' },
    'max-age-days': { value: 'DAYS', description: 'forget sound that is older' },
    'max-bytes': { value: 'N', description: 'forget the oldest sound beyond so many bytes, such as 20G' },
    'score-days': { value: 'DAYS', description: 'forget scores that are older' },
    'allow-host': { value: 'NAMES', description: 'names clients may call this machine by, with commas between' },
    'require-key': { description: 'ask for keys on this machine too' },
    'make-key': { value: 'NAME[:SCOPE]', description: 'print a new key once, and end; scope read, write or admin' },
    ...notifierOptions,
    nats: { value: 'URLS', description: 'servers of a fleet: show and tell what its workers (thrum worker) store' },
    log: { value: 'FORMAT', description: 'text or json, on standard error (text)' },
  },
  async run(files, options) {
    if (files.length > 0) throw new UsageError(`serve takes no files, got ${files[0]}`);
    const settings = serveOptions(options);
    const wanted = text(options, 'make-key');
    if (wanted !== undefined) {
      print(await makeKeyAt(settings, parseKeyRequest(wanted)));
      return 0;
    }
    const signal = untilSignal();
    const serving: Serving = await serve(settings);
    print(`thrum listens at ${serving.url}`);
    await signal;
    await serving.close();
    return 0;
  },
};
