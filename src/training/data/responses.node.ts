// Impulse responses of rooms and devices, read once for a whole run.
import { collectFiles } from '../../signal/collect-files.node.ts';
import { InputError, inputMessage } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { checkFinite, isConstant } from '../../signal/segments.ts';

/** The first channel of a file. */
export type Response = { samples: Float32Array; sampleRate: number };

async function readResponse(path: string): Promise<Response> {
  const [recording] = await readRecordingFile(path);
  checkFinite(recording);
  if (isConstant(recording)) throw new InputError(`${path}: expected an impulse response, found a constant`);
  return { samples: recording.channels[0], sampleRate: recording.sampleRate };
}

/**
 * The impulse responses in a folder or file. Bad ones are left out, with a warning each.
 * @throws InputError where none is left.
 */
export async function readResponses(path: string, warn: (message: string) => void): Promise<Response[]> {
  const responses: Response[] = [];
  for (const file of collectFiles([path])) {
    try {
      responses.push(await readResponse(file));
    } catch (error) {
      warn(inputMessage(error));
    }
  }
  if (responses.length === 0) throw new InputError(`openClipStream: expected impulse responses in ${path}, found none`);
  return responses;
}
