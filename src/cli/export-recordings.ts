// The recordings that an export is calibrated on and judged by.

import type { KnownRecording } from '../edge/quality-gate.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { type ChannelChoice, pickChannel, takePart } from '../signal/segments.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { InputError, type Options, text } from './command.ts';
import { classifyItems } from './finetune-items.ts';
import { createProgress, note } from './output.ts';
import { channelFrom, partFrom, readOptionsFrom } from './recording-options.ts';

/** Of a labelled set those that are for testing, where it has some. */
function labelledItems(options: Options): LabelledItem[] {
  const [data, labels] = [text(options, 'data'), text(options, 'labels')];
  if (data === undefined && labels === undefined) return [];
  const { train, test } = classifyItems({ data: data ?? '', ...(labels !== undefined && { labels }) });
  return test.length > 0 ? test : train;
}

/**
 * Recordings named with `--calibrate`, in a folder or one by one, and those of `--data` or `--labels`, with their labels.
 * One channel of each. Those that cannot be read are left out with a note.
 * @throws InputError where some were named and none can be used
 */
export async function exportRecordings(files: readonly string[], options: Options): Promise<KnownRecording[]> {
  const read = readOptionsFrom(options);
  const part = partFrom(options);
  const channel = channelFrom(options);
  const items: (Pick<LabelledItem, 'path' | 'read' | 'channel' | 'record'> & { label?: string })[] = [
    ...(files.length > 0 ? collectFiles(files).map((path) => ({ path })) : []),
    ...labelledItems(options),
  ];
  const found: KnownRecording[] = [];
  const progress = createProgress('read');
  for (const [i, item] of items.entries()) {
    const chosen: ChannelChoice = item.channel === undefined ? channel : item.channel - 1;
    try {
      const all = await readRecordingFile(item.path, { ...item.read, ...read });
      const own = item.record === undefined ? all : all.slice(item.record, item.record + 1);
      for (const recording of own.flatMap((one) => pickChannel(part ? takePart(one, part) : one, chosen))) {
        found.push({ recording, ...(item.label !== undefined && { label: item.label }) });
      }
    } catch (error) {
      note(`${inputMessage(error)}; it is left out`);
    }
    progress.update(i + 1, items.length);
  }
  progress.end();
  if (items.length > 0 && found.length === 0) {
    throw new InputError(`export: expected recordings, none of ${items.length} can be used; name others`);
  }
  return found;
}
