// How neighbours name a class.

/**
 * The label that most neighbours bear. Ties go to the label met first, that is the nearest (SIREN), or to the smallest
 * label in the order of `order` (the mode of scikit-learn's classifier).
 * @param labels of the neighbours, nearest first; at least one
 */
export function majorityVote(labels: readonly string[], order?: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const winners = [...counts].filter(([, count]) => count === most).map(([label]) => label);
  if (!order) return winners[0];
  return winners.reduce((best, label) => (order.indexOf(label) < order.indexOf(best) ? label : best));
}

/** Sum of the cosine similarities that every class gathers (RMIS, fault diagnosis), in the order of `classes`. */
export function similarityVotes(
  labels: readonly string[],
  similarities: readonly number[],
  classes: readonly string[],
): number[] {
  const votes = new Array<number>(classes.length).fill(0);
  for (const [i, label] of labels.entries()) votes[classes.indexOf(label)] += similarities[i];
  return votes;
}

/** The class with the largest vote; ties go to the lowest class. */
export const largestVote = (votes: readonly number[], classes: readonly string[]): string =>
  classes[votes.indexOf(Math.max(...votes))];
