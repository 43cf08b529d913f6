// thrum data: folders of recordings checked, known data sets listed, small ones made.
import { type Command, UsageError } from './command.ts';
import { checkData } from './data-check.ts';
import { generateScenesFromSources, hasScenesSources, scenesSourceSpecs } from './data-scenes.ts';
import { generateData, listData } from './data-sets.ts';
import { readOptionSpecs } from './recording-options.ts';

export const dataCommand: Command = {
  summary: 'check what is in a folder of recordings',
  usage: 'check FOLDER… | list [ID…] | generate ID… --out DIR',
  details:
    'check reads every recording; of a known data set (by the name of its folder, by its contents or by --set) it also says what is\nmissing, damaged, unusual or there twice. list shows the data sets that Thrum knows, with their layout where they are named.\ngenerate writes small ones of simulated machines in the official layout, to try things out without a download; a file\nthrum-generated.json in each says so, also to thrum bench. generate scenes with --esc50 and --responses cuts real recordings\ninto a set of scenes that several devices hear.',
  examples: [
    'thrum data check recordings/',
    'thrum data check cwru/ --rate 12000 --json',
    'thrum data list esc50',
    'thrum data generate cwru mfpt --out small',
    'thrum data generate dcase2023 --set development --train 990+10 --per-class 50 --seconds 10 --out full',
    'thrum data generate scenes --esc50 ESC-50/ --responses micirp/ --out sets',
  ],
  options: {
    ...readOptionSpecs,
    set: { value: 'ID', description: 'check: the data set of the folder; generate dcase…: development or evaluation' },
    out: { value: 'DIR', short: 'o', description: 'generate: where to write, a folder for each data set' },
    seed: { value: 'N', description: 'generate: seed (default 0)' },
    'per-class': { value: 'N', description: 'generate: recordings of each class' },
    train: { value: 'N+M', description: 'generate dcase…: training clips per section, source and target domain' },
    seconds: { value: 'S', description: 'generate: length of a recording' },
    ...scenesSourceSpecs,
    json: { description: 'check, list: print JSON' },
  },
  async run([action, ...rest], options) {
    if (action === 'check') return checkData(rest, options);
    if (action === 'list') return listData(rest, options);
    if (action === 'generate') {
      return hasScenesSources(options) ? generateScenesFromSources(rest, options) : generateData(rest, options);
    }
    throw new UsageError(`expected check, list or generate, got ${action ?? 'nothing'}`);
  },
};
