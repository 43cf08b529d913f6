// How often a message has failed, kept on the servers: a worker that dies cannot tell, and the servers' own count of
// deliveries also counts what workers gave back because a store was away.
import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { ATTEMPT_PREFIX, ATTEMPT_STREAM } from './names.ts';

export type Failed = { failures: number; reason: string };

export type Attempts = {
  /** What is known of a message, by its number in the stream. */
  read(sequence: number): Promise<Failed>;
  write(sequence: number, failed: Failed): Promise<void>;
  forget(sequence: number): Promise<void>;
};

const NO_MESSAGE = 10037;
const none: Failed = { failures: 0, reason: '' };

/**
 * @param jsm manager and client of one connection
 * @param kind of another stream, whose numbers are its own
 */
export function createAttempts(jsm: JetStreamManager, js: JetStreamClient, kind = ''): Attempts {
  const subject = (sequence: number) => `${ATTEMPT_PREFIX}${kind}${sequence}`;
  return {
    async read(sequence) {
      try {
        const last = await jsm.streams.getMessage(ATTEMPT_STREAM, { last_by_subj: subject(sequence) });
        return last ? last.json<Failed>() : none;
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return none;
        throw error;
      }
    },
    async write(sequence, failed) {
      await js.publish(subject(sequence), JSON.stringify(failed));
    },
    async forget(sequence) {
      await jsm.streams.purge(ATTEMPT_STREAM, { filter: subject(sequence) });
    },
  };
}
