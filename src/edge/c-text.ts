// Pieces of C text: numbers, tables, strings, and names that begin with the model's own.
import { InputError } from '../signal/errors.ts';

/** `$n_` becomes the name of the model, `$N_` the same in capitals, so that two models can be linked into one program. */
export const named = (text: string, name: string): string =>
  text.replaceAll('$n_', `${name}_`).replaceAll('$N_', `${name.toUpperCase()}_`);

/**
 * A float32 number with as many digits as it takes to read the same number again.
 * @throws InputError for a number that is not finite in float32
 */
export function floatLiteral(value: number): string {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) throw new InputError(`cSource: expected numbers that fit float32, got ${value}`);
  const digits = String(Number(single.toPrecision(9)));
  return `${/[.e]/.test(digits) ? digits : `${digits}.0`}f`;
}

/**
 * Anything as a C string: UTF-8, with escapes of three octal digits, which end where the next character is a digit too. $ is
 * escaped, as it begins names.
 */
export function stringLiteral(text: string): string {
  const escaped = Array.from(new TextEncoder().encode(text), (byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && !'"\\?$'.includes(String.fromCharCode(byte));
    return plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}

const WIDTH = 120;

/** `static const TYPE NAME[SIZE] = { … };` in lines of at most 120 characters. */
export function tableCode(type: string, name: string, values: Iterable<number>): string {
  const items = Array.from(values, type === 'float' ? floatLiteral : String);
  const lines: string[] = [];
  let line = ' ';
  for (const item of items) {
    if (line.length + item.length + 2 > WIDTH) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${item},`;
  }
  lines.push(line);
  return `static const ${type} ${name}[${items.length}] = {\n${lines.join('\n')}\n};\n`;
}
