// Tables as Parquet files.
import { parquetWriteBuffer } from 'hyparquet-writer';

/** A column; `null` is allowed where `optional` says so. `vector`: a list of 32-bit floats, of any length in each row. */
export type ParquetColumn = { name: string; optional?: boolean } & (
  | { type: 'text'; data: readonly (string | null)[] }
  | { type: 'double' | 'int32'; data: readonly (number | null)[] }
  | { type: 'boolean'; data: readonly (boolean | null)[] }
  | { type: 'vector'; data: readonly Float32Array[] }
);

type Schema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>;

/** Three levels make a list in Parquet ("LogicalTypes", Lists). */
function schemaOf({ name, type, optional }: ParquetColumn): Schema {
  const repetition = optional ? 'OPTIONAL' : 'REQUIRED';
  switch (type) {
    case 'text':
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: repetition }];
    case 'vector':
      return [
        { name, converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
      ];
    default:
      return [
        {
          name,
          type: ({ double: 'DOUBLE', int32: 'INT32', boolean: 'BOOLEAN' } as const)[type],
          repetition_type: repetition,
        },
      ];
  }
}

/** The bytes of a table; all columns have one length. `metadata`: words about the whole file. */
export function writeParquet(columns: readonly ParquetColumn[], metadata: Record<string, string> = {}): Uint8Array {
  const buffer = parquetWriteBuffer({
    schema: [{ name: 'root', num_children: columns.length }, ...columns.flatMap(schemaOf)],
    columnData: columns.map((column) =>
      // Statistics of single coordinates help nobody.
      column.type === 'vector'
        ? { name: column.name, data: column.data.map((vector) => Array.from(vector)), statistics: false }
        : { name: column.name, data: [...column.data] },
    ),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return new Uint8Array(buffer);
}
