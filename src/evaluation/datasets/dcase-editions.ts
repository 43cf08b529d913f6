// What each year of DCASE Task 2 was published as: machines and sections of both sets, and the downloads that hold them.
import { type DcaseSet, type DcaseYear, dcaseYear, sameSections } from '../dcase/years.ts';

type Sections = Readonly<Record<string, readonly string[]>>;

export type DcaseEdition = {
  year: DcaseYear;
  /** Sections (2020: machine ids) of every machine. A section belongs to one of the two sets only, in every year. */
  sections: Readonly<Record<DcaseSet, Sections>>;
  /** Numbers of the Zenodo records: development, additional training (of the evaluation machines), evaluation. */
  records: { development: number; train: number; test: number };
  licence: string;
  /** Usual length of a clip in s. */
  seconds: string;
  /** Machines whose attributes are hidden (`noAttribute`). */
  hidden: readonly string[];
};

const FIRST_SHOT_MACHINES = 'ToyCar ToyTrain bearing fan gearbox slider valve';
const SEE_RECORD = 'Creative Commons, see the Zenodo record';

const edition = (
  year: DcaseYear,
  development: Sections,
  records: readonly [number, number, number],
  facts: { seconds: string; licence?: string; hidden?: string },
): DcaseEdition => ({
  year,
  sections: { development, evaluation: dcaseYear(year).machines },
  records: { development: records[0], train: records[1], test: records[2] },
  licence: facts.licence ?? SEE_RECORD,
  seconds: facts.seconds,
  hidden: facts.hidden?.split(' ') ?? [],
});

/** From the baselines of the organisers (y-kawagu and nttcslab on GitHub), which download the same records. */
export const dcaseEditions: readonly DcaseEdition[] = [
  edition(
    2020,
    {
      ...sameSections('fan pump slider valve', 'id_00', 'id_02', 'id_04', 'id_06'),
      ...sameSections('ToyCar', 'id_01', 'id_02', 'id_03', 'id_04'),
      ...sameSections('ToyConveyor', 'id_01', 'id_02', 'id_03'),
    },
    [3678171, 3727685, 3841772],
    { seconds: '10 to 11', licence: 'CC BY-NC-SA 4.0' },
  ),
  edition(
    2021,
    sameSections('ToyCar ToyTrain fan gearbox pump slider valve', '00', '01', '02'),
    [4562016, 4660992, 4884786],
    {
      seconds: '10',
    },
  ),
  edition(2022, sameSections(FIRST_SHOT_MACHINES, '00', '01', '02'), [6355122, 6462969, 6586456], { seconds: '10' }),
  edition(2023, sameSections(FIRST_SHOT_MACHINES, '00'), [7882613, 7830345, 7860847], {
    seconds: '6 to 18',
    licence: 'CC BY 4.0',
  }),
  edition(2024, sameSections(FIRST_SHOT_MACHINES, '00'), [10902294, 11259435, 11363076], {
    seconds: 'about 10',
    hidden: 'ToyTrain gearbox slider AirCompressor BrushlessMotor HoveringDrone ToothBrush',
  }),
  edition(2025, sameSections(FIRST_SHOT_MACHINES, '00'), [15097779, 15392814, 15519362], {
    seconds: 'about 10',
    hidden: 'ToyTrain bearing slider AutoTrash Polisher ScrewFeeder ToyPet',
  }),
];

export type DcaseDownload = { set: DcaseSet; split: 'train' | 'test'; machine: string };

/** The official file that holds these clips, and where it is: `dev_fan.zip (https://zenodo.org/records/7882613)`. */
export function dcaseDownload({ year, records }: DcaseEdition, { set, split, machine }: DcaseDownload): string {
  const record = set === 'development' ? records.development : records[split];
  const development = year < 2022 ? `dev_data_${machine}` : `dev_${machine}`;
  const evaluation = year === 2020 ? `eval_data_${split}_${machine}` : `eval_data_${machine}_${split}`;
  return `${set === 'development' ? development : evaluation}.zip (https://zenodo.org/records/${record})`;
}

/** All machines of both sets. */
export const machinesOf = ({ sections }: DcaseEdition): string[] => [
  ...new Set([...Object.keys(sections.development), ...Object.keys(sections.evaluation)]),
];

/** The set that a section of a machine belongs to; undefined for one that the year does not have. */
export const setOf = ({ sections }: DcaseEdition, machine: string, section: string): DcaseSet | undefined =>
  (['development', 'evaluation'] as const).find((set) => sections[set][machine]?.includes(section));
