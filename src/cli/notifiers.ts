// Options of commands that tell others of alarms.
import { createMqttNotifier } from '../monitor/notify/mqtt.node.ts';
import type { Notifier } from '../monitor/notify/notifier.ts';
import { createWebhook } from '../monitor/notify/webhook.node.ts';
import { type Options, text } from './command.ts';

export const notifierOptions = {
  webhook: { value: 'URL', description: 'post alarms there, signed with THRUM_WEBHOOK_SECRET where it is set' },
  mqtt: { value: 'URL', description: 'publish alarms there, under thrum/alarms/MACHINE/KIND: mqtt://… or mqtts://…' },
};

/** The secret that signs is no argument: arguments are seen by everybody on a machine. */
export function webhookFrom(options: Options): { url: string; secret?: string } | undefined {
  const url = text(options, 'webhook');
  const secret = process.env.THRUM_WEBHOOK_SECRET;
  return url === undefined ? undefined : { url, ...(secret && { secret }) };
}

/** Notifiers by name. @throws InputError for addresses that are none */
export function notifiersFrom(options: Options, warn: (line: string) => void): Record<string, Notifier> {
  const webhook = webhookFrom(options);
  const mqtt = text(options, 'mqtt');
  return {
    ...(webhook && { webhook: createWebhook({ ...webhook, warn }) }),
    ...(mqtt !== undefined && { mqtt: createMqttNotifier({ url: mqtt, warn }) }),
  };
}
