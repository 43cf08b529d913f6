// Messages that the servers have forgotten to hand out: a server that is killed may still hold a message on disk of which
// its consumer believes that it was dealt with. Nobody would ever hear it, and it would take room for good.
import { JetStreamApiError, type JetStreamClient, type JetStreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { CONSUMER, HEADERS, IN_STREAM } from './names.ts';

/** Bounds the work of one sweep; what is left waits for the next. */
const MOST_SWEPT = 1000;
const NO_MESSAGE = 10037;

/**
 * Sends again what lies below the point up to which all is dealt with, and deletes the old message; where it was heard
 * already, the store knows it. Returns how many.
 */
export async function sweep(jsm: JetStreamManager, js: JetStreamClient): Promise<number> {
  const { state, config } = await jsm.streams.info(IN_STREAM);
  // Other streams keep what was dealt with, because an operator wants them to.
  if (config.retention !== RetentionPolicy.Workqueue) return 0;
  const { ack_floor: floor } = await jsm.consumers.info(IN_STREAM, CONSUMER);
  let found = 0;
  const last = Math.min(floor.stream_seq, state.first_seq + MOST_SWEPT);
  for (let seq = state.first_seq; state.messages > 0 && seq <= last; seq++) {
    try {
      const message = await jsm.streams.getMessage(IN_STREAM, { seq });
      if (!message) continue;
      // Without its number: it would be taken for one that is there.
      const said = headers();
      for (const [key, values] of message.header ?? []) {
        if (key.startsWith('Thrum-')) for (const value of values) said.append(key, value);
      }
      said.set(HEADERS.again, '1');
      await js.publish(message.subject, message.data, { headers: said });
      await jsm.streams.deleteMessage(IN_STREAM, seq);
      found++;
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === NO_MESSAGE)) throw error;
    }
  }
  return found;
}
