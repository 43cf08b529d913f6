import { describe, expect, it } from 'vitest';
import { shell } from '../../tests/run-cli.ts';
import { resumeCommand } from './resume-command.ts';

describe('resumeCommand', () => {
  it('repeats the options that were given, flags bare, and resumes', () => {
    const options = { data: 'rec', json: true, several: false, rate: undefined, resume: true };
    expect(resumeCommand(['finetune', 'classify'], options)).toBe('thrum finetune classify --data rec --json --resume');
  });

  it('quotes what a shell would read otherwise', () => {
    const names = ["it's here", '$HOME', 'a b', '-60', 'ä;x', '0.9,1'];
    const options = Object.fromEntries(names.map((name, i) => [`o${i}`, name]));
    const line = resumeCommand(['finetune'], options);
    expect(line).toContain('--o3=-60 ');
    const { stdout } = shell(`set -- ${line.slice('thrum '.length)}; printf '%s\\n' "$@"`, '.');
    const expected = names.flatMap((name, i) => (name.startsWith('-') ? [`--o${i}=${name}`] : [`--o${i}`, name]));
    expect(stdout.trimEnd().split('\n')).toEqual(['finetune', ...expected, '--resume']);
  });
});
