// Encoders hear one channel at a time.
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';

/** The only channel of a recording. @throws InputError if there are several. */
export function onlyChannel(recording: Recording): Float32Array {
  if (recording.channels.length !== 1) {
    throw new InputError(
      `embed: expected one channel, got ${recording.channels.length} (${recording.name}); choose one with pickChannel`,
    );
  }
  return recording.channels[0];
}
