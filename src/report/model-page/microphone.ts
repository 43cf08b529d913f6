// The microphone as blocks of samples, at whatever rate the device has.
import { InputError } from '../../signal/errors.ts';

export type Microphone = { sampleRate: number; close(): void };

const BLOCK = 1024;

/** Runs in the thread of the sound, where code must be a class in a file of its own: here the file is made of this text. */
const TAP = `registerProcessor('tap', class extends AudioWorkletProcessor {
  block = new Float32Array(${BLOCK});
  used = 0;
  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.block[this.used++] = sample;
      if (this.used < ${BLOCK}) continue;
      this.port.postMessage(this.block.slice());
      this.used = 0;
    }
    return true;
  }
});`;

/** A machine is no voice: nothing is to be cleaned, cancelled or made equally loud. */
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

function whyNot(error: unknown): InputError {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError') {
    return new InputError('The browser refused the microphone; allow it for this page and try again.');
  }
  if (name === 'NotFoundError') return new InputError('No microphone was found; connect one and try again.');
  const reason = error instanceof Error ? error.message : String(error);
  return new InputError(`The microphone could not be opened: ${reason}; close other programs that use it.`);
}

async function openStream(): Promise<MediaStream> {
  // Not there on pages that came unencrypted over a network.
  if (!navigator.mediaDevices) {
    throw new InputError(
      'Browsers give a microphone to pages from https or from a file only; save this page and open it.',
    );
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw whyNot(error);
  }
}

/** A node that hands on what it hears; by the older way where the newer one does not start. */
async function tapOf(context: AudioContext, onBlock: (samples: Float32Array) => void): Promise<AudioNode> {
  try {
    // Of a page from a file, Chromium takes no blob for this.
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(TAP)}`);
    const node = new AudioWorkletNode(context, 'tap', { channelCount: 1, channelCountMode: 'explicit' });
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => onBlock(data);
    return node;
  } catch {
    const node = context.createScriptProcessor(BLOCK, 1, 1);
    node.onaudioprocess = ({ inputBuffer }) => onBlock(inputBuffer.getChannelData(0).slice());
    return node;
  }
}

/**
 * Opens the microphone. `onBlock` gets mono samples within [-1, 1]; `onEnd` is called if the device goes away.
 * @throws InputError, for the reader of the page, where it cannot be opened
 */
export async function openMicrophone(onBlock: (samples: Float32Array) => void, onEnd: () => void): Promise<Microphone> {
  const stream = await openStream();
  const context = new AudioContext();
  const close = (): void => {
    for (const track of stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    void context.close();
  };
  try {
    const tap = await tapOf(context, onBlock);
    context.createMediaStreamSource(stream).connect(tap);
    // It writes nothing, so nothing is played; a node that leads nowhere would not run everywhere.
    tap.connect(context.destination);
    await context.resume();
  } catch (error) {
    close();
    throw whyNot(error);
  }
  for (const track of stream.getTracks()) track.onended = onEnd;
  return { sampleRate: context.sampleRate, close };
}
