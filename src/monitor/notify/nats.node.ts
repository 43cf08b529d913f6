// Alarms to a subject of NATS.
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { createDelivery, type DeliveryOptions } from './delivery.ts';
import { type AlarmMessage, alarmMessage, topicPart } from './message.node.ts';
import type { Notifier, Warn } from './notifier.ts';

export type NatsNotifierOptions = {
  /** Stays open: it belongs to whoever made it. */
  connection: Pick<NatsConnection, 'isClosed' | 'publish' | 'flush'>;
  /** Subjects are `PREFIX.MACHINE.KIND`; `thrum.alarms` by default. */
  prefix?: string;
  warn: Warn;
  delivery?: Pick<DeliveryOptions<unknown>, 'capacity' | 'pauseMs' | 'longestPauseMs' | 'patienceMs' | 'closeMs'>;
};

type Addressed = AlarmMessage & { subject: string };

/** While servers are away the client waits for them; an alarm is tried again then. */
const ANSWER_MS = 10_000;

async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A notifier that publishes each change as JSON (`alarmMessage`) under `thrum.alarms.MACHINE.KIND`. The header
 * `Nats-Msg-Id` is the same for the same change, so that a stream of JetStream on these subjects keeps it once. In the
 * subject, what is no letter, digit, `_` or `-` in the machine's name is `_`; the name itself is in the message.
 */
export function createNatsNotifier({
  connection,
  prefix = 'thrum.alarms',
  warn,
  delivery,
}: NatsNotifierOptions): Notifier {
  const queue = createDelivery<Addressed>({
    ...delivery,
    name: `NATS ${prefix}`,
    async send({ subject, id, body }) {
      if (connection.isClosed()) throw new Error('the connection is closed');
      const about = headers();
      about.set('Nats-Msg-Id', id);
      connection.publish(subject, body, { headers: about });
      await within(ANSWER_MS, connection.flush());
    },
    describe: ({ text }) => text,
    warn,
  });
  return {
    async notify(change) {
      queue.add({ ...alarmMessage(change), subject: `${prefix}.${topicPart(change.machine)}.${change.kind}` });
    },
    close: () => queue.close(),
  };
}
