// Counts and lists in messages.

/** `1 clip`, `3 clips`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The first names, and how many there are more: `a, b, c and 4 more`. */
export function listed(names: readonly (string | number)[], most: number): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
