// Pages of rows as the bytes of a JSON array.
import { alarmsPage, type PageQuery, recordingsPage, scoresPage } from './pages.ts';
import { alarmText, recordingText, scoreText } from './row-text.ts';
import type { Row, Sql } from './sql.ts';
import { readStatuses, statusText } from './status.ts';
import type { Store } from './types.ts';

const encoder = new TextEncoder();
const array = (items: readonly string[]): Uint8Array => encoder.encode(`[${items.join(',')}]`);

export function createJsonMethods({ query, dialect }: Sql): Pick<Store, 'json'> {
  const rows = async ({ text: statement, values, backward }: PageQuery): Promise<Row[]> => {
    const found = await query(statement, values);
    return backward ? found.reverse() : found;
  };
  return {
    async json(page) {
      switch (page.of) {
        case 'scores':
          return array((await rows(scoresPage(page))).map(scoreText));
        case 'alarms':
          return array((await rows(alarmsPage(page))).map(alarmText));
        case 'recordings':
          return array((await rows(recordingsPage(page))).map(recordingText));
        case 'machines':
          return array((await readStatuses(query, dialect, page)).map((row) => statusText(row, page.nowMs)));
      }
    },
  };
}
