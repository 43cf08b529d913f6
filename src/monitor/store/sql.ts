// What the store asks of a database: statements that SQLite and PostgreSQL both understand, and transactions.

/** Text is JSON where it holds a structure. Truth is 0 or 1. */
export type SqlValue = string | number | null | undefined;
export type Row = Record<string, unknown>;

/** Runs one statement with values for `$1`, `$2` … and returns its rows: of a SELECT, or of a RETURNING. */
export type Query = (statement: string, values?: readonly SqlValue[]) => Promise<Row[]>;

export type Sql = {
  dialect: 'sqlite' | 'postgres';
  /** For messages; holds no password. */
  name: string;
  /** A statement on its own: all of it, or nothing. */
  query: Query;
  /**
   * All that `work` does, or nothing where it throws. It may run several times, where others write the same rows
   * meanwhile. Only one runs at a time in SQLite, so it waits for nothing but its own statements.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** PostgreSQL takes no zero character in text; SQLite ends some texts there. Both keep a sign that one was there. */
export const storable = (values: readonly SqlValue[]): (string | number | null)[] =>
  values.map((value) => (typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : (value ?? null)));

/** Conditions of a WHERE with their values, for a query that has them only where they are asked for. */
export function createConditions() {
  const texts: string[] = [];
  const values: SqlValue[] = [];
  const place = (value: SqlValue): string => `$${values.push(value)}`;
  return {
    values,
    /** The place of a value outside of the conditions, such as a limit. */
    place,
    /** `and('start_ms >=', 5)`; nothing where the value is undefined. */
    and(comparison: string, value: SqlValue): void {
      if (value !== undefined) texts.push(`${comparison} ${place(value)}`);
    },
    andThat(condition: string): void {
      texts.push(condition);
    },
    where: (): string => (texts.length === 0 ? '' : `where ${texts.join(' and ')}`),
  };
}
