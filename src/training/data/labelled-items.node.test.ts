import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { createWavFolder } from '../../signal/wav-folder.test-util.ts';
import { folderItems, tableItems } from './labelled-items.node.ts';

const folder = createWavFolder();
afterAll(() => folder.remove());

describe('folderItems', () => {
  it('labels recordings by their folders', () => {
    for (const name of ['rig/normal/1.wav', 'rig/IR/007/2.wav', 'rig/IR/014/3.wav', 'rig/IR/notes.txt']) {
      folder.write(name, '');
    }
    expect(folderItems([folder.path('rig')])).toEqual([
      { path: folder.path('rig/IR/007/2.wav'), label: 'IR/007' },
      { path: folder.path('rig/IR/014/3.wav'), label: 'IR/014' },
      { path: folder.path('rig/normal/1.wav'), label: 'normal' },
    ]);
  });

  it('refuses recordings without a label', () => {
    folder.write('flat/1.wav', '');
    expect(() => folderItems([folder.path('flat')])).toThrow('expected one folder per label');
    folder.write('mixed/a/1.wav', '');
    folder.write('mixed/2.wav', '');
    expect(() => folderItems([folder.path('mixed')])).toThrow(
      `folderItems: expected a folder per label, found ${folder.path('mixed/2.wav')} outside of them; move or remove it`,
    );
    expect(() => folderItems([folder.path('nowhere')])).toThrow(InputError);
  });
});

describe('tableItems', () => {
  const items = (text: string) => tableItems(folder.write('tables/labels.csv', text));
  const at = (name: string) => folder.path(`tables/${name}`);

  it('takes files, labels, machines and domains in any order of columns', () => {
    expect(
      items('File Name;domain;Label;machine;note\nx/1.wav;Source;worn;fan;a\n"2;3.wav";target;normal;pump;\n'),
    ).toEqual([
      { path: at('x/1.wav'), label: 'worn', group: 'fan', domain: 'source' },
      { path: at('2;3.wav'), label: 'normal', group: 'pump', domain: 'target' },
    ]);
    expect(items('\uFEFFpath,class\r\n/data/1.wav,worn\r\n\r\n2.wav,normal')).toEqual([
      { path: '/data/1.wav', label: 'worn' },
      { path: at('2.wav'), label: 'normal' },
    ]);
    // Only what separates the header separates rows.
    expect(items('file,label\n1.wav,hum;rattle\n')).toEqual([{ path: at('1.wav'), label: 'hum;rattle' }]);
    expect(items('file;label\n1.wav;0,5 bar\n')).toEqual([{ path: at('1.wav'), label: '0,5 bar' }]);
    expect(items('file,label,machine,domain\n1.wav,worn,,')).toEqual([{ path: at('1.wav'), label: 'worn' }]);
  });

  it('joins attributes', () => {
    expect(items('file,d1p,d1v,d2p,d2v\n1.wav,spd,28V,mic,1\n2.wav,spd,31V,,\n')).toEqual([
      { path: at('1.wav'), label: 'spd_28V_mic_1' },
      { path: at('2.wav'), label: 'spd_31V' },
    ]);
    expect(items('machine,file,d1v,d2v\ncar,1.wav,28V,1\n')).toEqual([
      { path: at('1.wav'), label: 'car_28V_1', group: 'car' },
    ]);
    // A label is taken as it is, attributes or not.
    expect(items('file,label,d1p,d1v\n1.wav,worn,spd,28V\n')).toEqual([{ path: at('1.wav'), label: 'worn' }]);
  });

  it('takes the training clips of an official table, which lies in the folder of its machine', () => {
    folder.write('dev_data/valve/train/section_03_source_train_normal_0000_pat_06.wav', '');
    const rows = [
      'file_name,d1p,d1v,file_name_with_full_attributes',
      'valve/train/section_03_source_train_normal_0000_pat_06.wav,pat,06,valve/train/x.wav',
      'valve/test/section_03_0000.wav,pat,06,valve/test/section_03_target_test_normal_0000_pat_06.wav',
      'valve/test/section_03_source_test_anomaly_0001_pat_07.wav,pat,07,',
    ];
    expect(tableItems(folder.write('dev_data/valve/attributes_03.csv', rows.join('\r\n')))).toEqual([
      { path: folder.path('dev_data/valve/train/section_03_source_train_normal_0000_pat_06.wav'), label: 'pat_06' },
    ]);
  });

  it.each([
    [
      'file,machine\n1.wav,fan',
      'line 1: expected columns file and label, or file_name, d1p, d1v, …, found file, machine',
    ],
    ['', 'line 1: expected columns file and label'],
    ['file,label\n1.wav,\n', 'line 2: expected a file and a label, got `1.wav,`'],
    ['file,label\n\n,worn\n', 'line 3: expected a file and a label, got `,worn`'],
    ['file,d1p,d1v\n1.wav,spd,\n', 'line 2: expected a file and a label'],
    ['file,label,domain\n1.wav,a,test\n', 'line 2: expected domain source or target, got test'],
    ['file,label\n', 'expected recordings to learn from in'],
  ])('refuses %j', (text, message) => {
    expect(() => items(text)).toThrow(InputError);
    expect(() => items(text)).toThrow(message);
  });

  it('refuses a table that is not there', () => {
    expect(() => tableItems(at('none.csv'))).toThrow(/^tableItems: cannot read .*none\.csv: /);
  });
});
