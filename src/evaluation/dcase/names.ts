// What the file name of a recording of DCASE Task 2 says, in every year from 2020.

export type Domain = 'source' | 'target';

export type DcaseName = {
  /** `id_01` in 2020, `00` from 2021 on. */
  section: string;
  domain?: Domain;
  split?: 'train' | 'test';
  /** Absent where the name does not tell, as in evaluation sets. */
  anomalous?: boolean;
  /** 2025: a recording of the machine alone, or of the noise alone, to train with. */
  supplemental?: 'clean' | 'noise';
  /** Number of the recording, as written: `0012`. */
  index: string;
  /** What follows the number, as written: `car_A1_spd_3_mic_1`, `noAttribute`; empty where nothing does. */
  attributes: string;
};

/** Words between section and number: what each of them says, one word at most for each thing. */
const WORDS: Readonly<Record<string, Partial<DcaseName>>> = {
  source: { domain: 'source' },
  target: { domain: 'target' },
  train: { split: 'train' },
  test: { split: 'test' },
  normal: { anomalous: false },
  anomaly: { anomalous: true },
  clean: { supplemental: 'clean' },
  machine: { supplemental: 'clean' },
  noise: { supplemental: 'noise' },
  supplemental: {},
};

const NAME_2020 = /^(?:(normal|anomaly)_)?(id_\d{2})_(\d{8})$/i;
const NAME = /^section_(\d{2})((?:_[a-z]+)*)_(\d{4,})(?:_(.*))?$/i;

/** The name without its folders and without `.wav`; spaces around it are dropped. */
export const clipName = (path: string): string =>
  path
    .trim()
    .replace(/^.*[\\/]/, '')
    .replace(/\.wav$/i, '');

/**
 * Reads the name of a recording: `section_00_source_test_normal_0012_vel_8.wav`, `section_00_0012.wav`,
 * `normal_id_01_00000012.wav` and all between, in any case, with or without folders and `.wav`.
 * Undefined for any other name.
 * Source: the data set pages of DCASE Challenge Task 2, 2020 to 2025.
 */
export function parseDcaseName(name: string): DcaseName | undefined {
  const clip = clipName(name);
  const old = NAME_2020.exec(clip);
  if (old) {
    const [, status, id, index] = old;
    const anomalous = status === undefined ? {} : { anomalous: status.toLowerCase() === 'anomaly' };
    return { section: id.toLowerCase(), ...anomalous, index, attributes: '' };
  }
  const found = NAME.exec(clip);
  if (!found) return undefined;
  const [, section, words, index, attributes = ''] = found;
  const said: Partial<DcaseName> = {};
  for (const word of words.toLowerCase().split('_').slice(1)) {
    const fact = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    // A word that is not known, or a second one for the same thing: not a name of this challenge.
    if (!fact || Object.keys(fact).some((key) => Object.hasOwn(said, key))) return undefined;
    Object.assign(said, fact);
  }
  return { section, ...said, index, attributes };
}
