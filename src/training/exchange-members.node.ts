// Who takes part in a run of several processes: how each introduces itself, and whether the others fit.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { differences, shown } from './run-config.ts';

/** What a process tells of itself: to others that ask, and beside every state that it puts. */
const cardSchema = z.object({
  world: z.int(),
  rank: z.int(),
  /** Another one for every process. */
  id: z.string(),
  /** For messages: `process 4711 on press-7`. */
  who: z.string(),
  /** What all processes must agree on. */
  settings: z.record(z.string(), z.json()),
});
export type Card = z.infer<typeof cardSchema>;

export const ownCard = (world: number, rank: number, settings: Readonly<Record<string, unknown>>): Card => ({
  world,
  rank,
  id: randomUUID(),
  who: `process ${process.pid} on ${hostname()}`,
  settings: JSON.parse(JSON.stringify(settings)),
});

/** undefined for anything else. */
export function parseCard(text = ''): Card | undefined {
  try {
    return cardSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Compares another card with the own one. `put`: of a state that was put before, perhaps by a run of fewer steps.
 * @throws InputError for another world size, or the first setting that differs
 */
export function checkCard(own: Card, theirs: Card, group: string, put = false): void {
  const their = `rank ${theirs.rank} (${theirs.who}) of group ${group}`;
  if (theirs.world !== own.world) {
    throw new InputError(
      `connectExchange: expected a world size of ${theirs.world}, as ${their} has, got ${own.world}; give all processes the same one, or name another group`,
    );
  }
  const [found] = differences(theirs.settings, own.settings, '').filter(({ key }) => !(put && key === 'steps'));
  if (!found) return;
  throw new InputError(
    `connectExchange: expected ${found.key} ${shown(found.before)}, as ${their} has, got ${shown(found.now)}; give all processes the same settings, or name another group`,
  );
}

function checkRunning(own: Card, theirs: Card, group: string): void {
  if (theirs.rank === own.rank) {
    throw new InputError(
      `connectExchange: expected rank ${own.rank} of group ${group} free, but ${theirs.who} has it; give every process a rank of its own, or wait until that one has ended`,
    );
  }
  checkCard(own, theirs, group);
}

/** Others that are in a step answer after it: looked at when it comes, too late for the start. */
const ANSWER_MS = 10_000;
/** After the first answer, for the rest of them. */
const MORE_ANSWERS_MS = 500;

/**
 * Asks who runs in the group, and answers whoever asks from now on. Only the one that asks looks whether the other fits,
 * so that one started with wrong options does not end those that are at work. The connection must not hear itself
 * (`noEcho`).
 * @throws InputError as `checkCard`, and where another process has this rank. Returns what throws it for late answers
 */
export async function meet(connection: NatsConnection, own: Card, group: string): Promise<() => void> {
  const subject = `thrum.exchange.${group}`;
  connection.subscribe(subject, {
    callback: (_, message) => {
      message.respond(JSON.stringify(own));
    },
  });
  let misfit: InputError | undefined;
  const heard = new Set<string>();
  const inbox = createInbox();
  await new Promise<void>((resolve) => {
    const timers = [setTimeout(resolve, ANSWER_MS)];
    const enough = () => {
      for (const timer of timers) clearTimeout(timer);
      resolve();
    };
    connection.subscribe(inbox, {
      callback: (_, message) => {
        // The server's own answer where nobody else listens.
        if (message.headers?.code === 503) return enough();
        const theirs = parseCard(message.string());
        if (!theirs) return;
        try {
          checkRunning(own, theirs, group);
        } catch (error) {
          misfit ??= error as InputError;
        }
        heard.add(theirs.id);
        if (misfit || heard.size >= own.world - 1) enough();
        else timers.push(setTimeout(enough, MORE_ANSWERS_MS));
      },
    });
    connection.publish(subject, '', { reply: inbox });
  });
  const throwMisfit = () => {
    if (misfit) throw misfit;
  };
  throwMisfit();
  return throwMisfit;
}
