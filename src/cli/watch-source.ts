// The source that thrum watch was given: a folder, standard input, a broker.
import { join } from 'node:path';
import { type PcmSettings, pcmFormats } from '../monitor/stream/pcm.ts';
import type { Source } from '../monitor/types.ts';
import { choice, flag, number, type OptionSpecs, type Options, text, UsageError } from './command.ts';
import { note } from './output.ts';
import { readOptionsFrom } from './recording-options.ts';

export const sourceOptionSpecs = {
  format: { value: 'F', description: `raw samples instead of files: ${pcmFormats.join(', ')}` },
  rate: { value: 'HZ', short: 'r', description: 'sample rate of raw samples, and of files that carry none' },
  channels: { value: 'N', description: 'channels of raw samples (default 1)' },
  variable: { value: 'NAME', description: 'array to read from files that hold several' },
  name: { value: 'NAME', description: 'name of the machine on standard input (default stdin)' },
  bursts: { description: 'every message of a broker is a recording of its own' },
  live: { description: 'standard input cannot wait: drop windows rather than stop the writer' },
  once: { description: 'end when all files of the folder have been heard' },
  settle: { value: 'S', description: 'a file is whole when it has not changed for so long (default 2)' },
  ledger: { value: 'FILE', description: 'where is written which files are done (default .thrum-ledger in the folder)' },
  alarms: {
    value: 'FOLDER',
    description: 'where alarms go on after a restart (default .thrum-alarms in the folder; none for others)',
  },
  'client-id': { value: 'ID', description: 'MQTT: the broker keeps what comes while nobody watches under this name' },
  consumer: { value: 'NAME', description: 'NATS: name of the durable consumer (default: one of the subject)' },
} satisfies OptionSpecs;

function pcmFrom(options: Options): PcmSettings | undefined {
  const format = choice(options, 'format', pcmFormats);
  const channels = number(options, 'channels', { min: 1, integer: true });
  if (!format) {
    if (channels !== undefined) throw new UsageError('--channels: expected --format too; files carry their channels');
    return undefined;
  }
  const sampleRate = number(options, 'rate', { above: 0 });
  if (sampleRate === undefined) throw new UsageError('--format: expected --rate HZ too; raw samples carry none');
  return { format, sampleRate, channels: channels ?? 1 };
}

/** Where alarms are kept: beside the ledger of a folder; for the other sources only where it is said. */
export function alarmFolderFrom(given: string, options: Options): string | undefined {
  const named = text(options, 'alarms');
  if (named !== undefined || given === '-' || /^[a-z][a-z0-9+.-]+:/i.test(given)) return named;
  const ledger = text(options, 'ledger');
  return ledger === undefined ? join(given, '.thrum-alarms') : `${ledger}.alarms`;
}

/** `isLive`: it cannot wait for a slow detector. @throws UsageError, InputError */
export async function sourceFrom(given: string, options: Options): Promise<{ source: Source; isLive: boolean }> {
  const pcm = pcmFrom(options);
  const read = readOptionsFrom(options);
  const messages = { ...(pcm && { pcm }), read, bursts: flag(options, 'bursts') };
  if (given === '-') {
    const { createInputSource } = await import('../monitor/stream/standard-input.ts');
    const source = createInputSource(process.stdin, { ...(pcm && { pcm }), stream: text(options, 'name') ?? 'stdin' });
    return { source, isLive: flag(options, 'live') };
  }
  if (/^mqtts?:/.test(given)) {
    const { createMqttSource } = await import('../monitor/stream/mqtt.node.ts');
    const clientId = text(options, 'client-id');
    const onListening = () => note(`listening to ${source.name}`);
    const source = createMqttSource(given, { ...messages, ...(clientId !== undefined && { clientId }), onListening });
    return { source, isLive: true };
  }
  if (/^(nats|tls):/.test(given)) {
    const { createNatsSource } = await import('../monitor/stream/nats.node.ts');
    const consumer = text(options, 'consumer');
    return {
      source: createNatsSource(given, { ...messages, ...(consumer !== undefined && { consumer }) }),
      isLive: false,
    };
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(given)) {
    throw new UsageError(`expected a folder, -, mqtt://… or nats://…, got ${given.replace(/:\/\/.*@/, '://')}`);
  }
  if (pcm) throw new UsageError('--format: expected with - or a broker; a folder holds files');
  const { createFolderSource } = await import('../monitor/stream/folder.node.ts');
  const ledger = text(options, 'ledger');
  const settleSeconds = number(options, 'settle', { min: 0 });
  const source = createFolderSource(given, {
    read,
    once: flag(options, 'once'),
    ...(ledger !== undefined && { ledger }),
    ...(settleSeconds !== undefined && { settleSeconds }),
  });
  return { source, isLive: false };
}
