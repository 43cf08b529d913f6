// How far something is, in words and as a bar; and the files that could not be used.
import { formatCount } from '../../../src/report/format.ts';
import { formatBytes } from '../format.ts';
import type { Intake } from '../intake.ts';
import type { Refused } from '../types.ts';

export const Bar = ({ label, done, total }: { label: string; done: number; total: number }) => (
  <div class="bar">
    <span>{label}</span>
    <progress max={Math.max(1, total)} value={Math.min(done, Math.max(1, total))} aria-label={label} />
  </div>
);

export const IntakeBar = ({ intake }: { intake: Intake }) => (
  <Bar
    label={
      intake.done < intake.files
        ? `${intake.done} of ${formatCount(intake.files, 'file')} taken in, ${formatBytes(intake.sent)} of ${formatBytes(intake.bytes)}${intake.waitSeconds === undefined ? '' : `; the server is busy, goes on in ${intake.waitSeconds} s`}`
        : `${formatCount(intake.uploaded.length, 'file')} taken in`
    }
    done={intake.sent}
    total={intake.bytes}
  />
);

export function RefusedList({ refused, what = 'could not be used' }: { refused: readonly Refused[]; what?: string }) {
  if (refused.length === 0) return null;
  return (
    <details class="refused" open={refused.length <= 5}>
      <summary>
        {formatCount(refused.length, 'file')} {what}; the others are done
      </summary>
      <ul>
        {refused.map(({ file, message }) => (
          <li key={file}>
            <strong>{file}</strong> {message}
          </li>
        ))}
      </ul>
    </details>
  );
}
