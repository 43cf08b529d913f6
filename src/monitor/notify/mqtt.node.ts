// Alarms to a topic of an MQTT broker.
import mqtt from 'mqtt';
import { InputError } from '../../signal/errors.ts';
import { createDelivery, type DeliveryOptions } from './delivery.ts';
import { type AlarmMessage, alarmMessage, topicPart } from './message.node.ts';
import type { Notifier, Warn } from './notifier.ts';

export type MqttNotifierOptions = {
  /** `mqtt://user:password@host:1883`, or `mqtts://`. */
  url: string;
  /** Topics are `PREFIX/MACHINE/KIND`; `thrum/alarms` by default. */
  prefix?: string;
  warn: Warn;
  delivery?: Pick<DeliveryOptions<unknown>, 'capacity' | 'pauseMs' | 'longestPauseMs' | 'patienceMs' | 'closeMs'>;
};

type Addressed = AlarmMessage & { topic: string };

const RECONNECT_MS = 2000;
const ANSWER_MS = 10_000;

/**
 * A notifier that publishes each change as JSON (`alarmMessage`), at least once (QoS 1) and not retained, under
 * `thrum/alarms/MACHINE/KIND`. It connects in the background, and again whenever the connection is lost.
 * @throws InputError for an address that is none
 */
export function createMqttNotifier({ url, prefix = 'thrum/alarms', warn, delivery }: MqttNotifierOptions): Notifier {
  const { protocol, hostname, host } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '', host: '' };
  if (!/^mqtts?:$/.test(protocol) || hostname === '') {
    throw new InputError('createMqttNotifier: expected an address such as mqtt://host:1883, got something else');
  }
  const client = mqtt.connect(url, { reconnectPeriod: RECONNECT_MS, connectTimeout: ANSWER_MS, clean: true });
  let last = 'not connected yet';
  // Without a listener an error would end the process.
  client.on('error', (error: Error & { code?: number | string }) => {
    last = `error ${error.code ?? error.name}`;
  });
  const queue = createDelivery<Addressed>({
    ...delivery,
    name: `MQTT ${protocol}//${host}`,
    async send({ topic, body }, stop) {
      if (!client.connected) throw new Error(`cannot be reached (${last})`);
      const late = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]);
      await new Promise<void>((resolve, reject) => {
        late.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
        client.publish(topic, Buffer.from(body), { qos: 1 }, (error) => (error ? reject(error) : resolve()));
      });
    },
    describe: ({ text }) => text,
    warn,
  });
  return {
    async notify(change, ended) {
      queue.add({ ...alarmMessage(change), topic: `${prefix}/${topicPart(change.machine)}/${change.kind}` }, ended);
    },
    async close() {
      await queue.close();
      await client.endAsync(true);
    },
  };
}
