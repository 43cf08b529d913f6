// Names on the servers of the fleet: streams, subjects, headers; and what a sender says of a recording.
import { InputError } from '../../signal/errors.ts';

/** Recordings that wait to be heard: `thrum.in.MACHINE`; over MQTT the topic `thrum/in/MACHINE`. */
export const IN_STREAM = 'THRUM_IN';
export const IN_PREFIX = 'thrum.in.';
/** How often recordings have failed, of those that have: `thrum.attempt.SEQUENCE`. */
export const ATTEMPT_STREAM = 'THRUM_ATTEMPTS';
export const ATTEMPT_PREFIX = 'thrum.attempt.';
/** The consumer that all workers share. */
export const CONSUMER = 'workers';
/** Object store for recordings that do not fit into a message. */
export const OBJECTS = 'THRUM_LARGE';

/** Files of archives that wait, `thrum.archive.RUN`, and what came of them, `thrum.archived.RUN`. */
export const ARCHIVE_STREAM = 'THRUM_ARCHIVE';
export const ARCHIVE_PREFIX = 'thrum.archive.';
export const ARCHIVE_CONSUMER = 'archive-workers';
export const ARCHIVED_STREAM = 'THRUM_ARCHIVED';
export const ARCHIVED_PREFIX = 'thrum.archived.';
/** Object store of what does not fit into a message, where no store of blobs is given. */
export const ARCHIVE_OBJECTS = 'THRUM_ARCHIVE_FILES';
/** What a job or a result says of itself: JSON, encoded as a part of an address. */
export const ARCHIVE_HEADER = 'Thrum-Archive';
/** What is new in the store, for services that show it: `thrum.news.MACHINE`. Heard by whoever listens, kept by nobody. */
export const NEWS_PREFIX = 'thrum.news.';
/** That a worker lives, every few seconds. */
export const WORKERS_SUBJECT = 'thrum.workers';

/** All are optional; a message without any is the bytes of a file, heard as of its arrival. */
export const HEADERS = {
  /** What the recording is called. */
  name: 'Thrum-Name',
  /** When its first sample was taken: milliseconds since 1970-01-01 UTC. */
  start: 'Thrum-Start',
  /** Hz, for files that carry no rate and for raw samples. */
  rate: 'Thrum-Rate',
  /** Raw samples instead of a file: `s16le`, `s24le`, `s32le` or `f32le`, channels interleaved. */
  format: 'Thrum-Format',
  /** Of raw samples; 1 by default. */
  channels: 'Thrum-Channels',
  /** Array to read of a file with several. */
  variable: 'Thrum-Variable',
  /** Name of the object that holds the bytes; the message is empty then. */
  object: 'Thrum-Object',
  /** Set by a sweep: it was dealt with before, as far as the servers know. */
  again: 'Thrum-Again',
} as const;

const MACHINE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
/** Empty parts between dots are no subject. */
const EMPTY_PART = /\.\.|\.$/;

/** @throws InputError for a name that is none of a machine */
export function subjectOf(machine: string): string {
  if (!MACHINE.test(machine) || EMPTY_PART.test(machine)) {
    throw new InputError(
      `publishRecording: expected a name of letters, digits, ".", "_" and "-" (no two dots together, at most 64), got ${JSON.stringify(machine.slice(0, 80))}`,
    );
  }
  return `${IN_PREFIX}${machine}`;
}

/** The machine a subject names; undefined where it is no name. */
export function machineOf(subject: string): string | undefined {
  const name = subject.slice(IN_PREFIX.length);
  return subject.startsWith(IN_PREFIX) && MACHINE.test(name) ? name : undefined;
}
