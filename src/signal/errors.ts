// The one error that means "the input is at fault, not the program". The command line prints its message alone, on one line.

/**
 * Bad input: a file, an option or a detector that does not fit. The message starts with the public function that
 * found it, says what was expected, what was found, and what to do:
 * `readMat: expected a numeric array at X105_DE_time, got a struct (105_0.mat, byte 2184); name another with --variable`.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Message of bad input; anything else is a fault of the program and goes up. */
export function inputMessage(error: unknown): string {
  if (error instanceof InputError) return error.message;
  throw error;
}

/** Names of files may hold line ends; a message is one line. */
export const oneLine = (message: string): string => message.replace(/\s*\n\s*/g, ' ');
