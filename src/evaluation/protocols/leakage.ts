// The audit that always runs: whether anything of a test side was heard on the training side.
import type { LeakageAudit } from '../result.ts';
import type { Split } from '../splits/group-split.ts';

export type Audited = {
  names: readonly string[];
  takes: readonly string[];
  contents: readonly string[];
};

const EXAMPLES = 5;

/**
 * Counts test recordings whose take, or whose content (byte by byte) under another take, lies on the training side of
 * a split.
 */
export function auditSplits({ names, takes, contents }: Audited, splits: readonly Split[]): LeakageAudit {
  const audit: LeakageAudit = { splits: splits.length, sharedTakes: 0, sharedContent: 0, examples: [] };
  const note = (line: string) => {
    if (audit.examples.length < EXAMPLES && !audit.examples.includes(line)) audit.examples.push(line);
  };
  for (const { train, test } of splits) {
    const trainTakes = new Map(train.map((i) => [takes[i], i]));
    const trainContents = new Map(train.map((i) => [contents[i], i]));
    for (const i of test) {
      const sameTake = trainTakes.get(takes[i]);
      if (sameTake !== undefined) {
        audit.sharedTakes++;
        note(`${names[i]} and ${names[sameTake]} are of one take`);
        continue;
      }
      const same = trainContents.get(contents[i]);
      if (same === undefined) continue;
      audit.sharedContent++;
      note(`${names[i]} has the same content as ${names[same]}`);
    }
  }
  return audit;
}

/**
 * The same where every recording is tested against all of other groups: `own` is what is left out with it (its take,
 * or only itself).
 */
export function auditLeaveOneOut({ names, takes, contents }: Audited, own: readonly string[]): LeakageAudit {
  const audit: LeakageAudit = { splits: names.length, sharedTakes: 0, sharedContent: 0, examples: [] };
  const others = (values: readonly string[]) => {
    const byValue = new Map<string, number[]>();
    for (const [i, value] of values.entries()) byValue.set(value, [...(byValue.get(value) ?? []), i]);
    return (i: number) => byValue.get(values[i])?.find((j) => own[j] !== own[i]);
  };
  const [sameTake, sameContent] = [others(takes), others(contents)];
  for (const [i, name] of names.entries()) {
    const [take, content] = [sameTake(i), sameContent(i)];
    if (take !== undefined) audit.sharedTakes++;
    else if (content !== undefined) audit.sharedContent++;
    const other = take ?? content;
    if (other === undefined || audit.examples.length >= EXAMPLES) continue;
    audit.examples.push(
      take !== undefined
        ? `${name} and ${names[other]} are of one take`
        : `${name} has the same content as ${names[other]}`,
    );
  }
  return audit;
}

/** Sums of several audits. */
export const mergeAudits = (audits: readonly LeakageAudit[]): LeakageAudit => ({
  splits: audits.reduce((sum, { splits }) => sum + splits, 0),
  sharedTakes: audits.reduce((sum, { sharedTakes }) => sum + sharedTakes, 0),
  sharedContent: audits.reduce((sum, { sharedContent }) => sum + sharedContent, 0),
  examples: [...new Set(audits.flatMap(({ examples }) => examples))].slice(0, EXAMPLES),
});
