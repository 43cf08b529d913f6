import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../tests/free-port.ts';
import type { AlarmChange } from '../alarm/types.ts';
import { changeOf } from './changes.test-util.ts';
import { createWebhook, type WebhookOptions } from './webhook.node.ts';

type Asked = { path: string; headers: IncomingHttpHeaders; body: string };
const servers: Server[] = [];

/** Answers as told; `asked` is all that came. */
async function receiver(answer: (response: ServerResponse, count: number, asked: Asked) => void) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const one = { path: request.url ?? '', headers: request.headers, body };
    asked.push(one);
    answer(response, asked.length, one);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

function webhook(url: string, options: Partial<WebhookOptions> = {}) {
  const warnings: string[] = [];
  const delivery = { pauseMs: 1, longestPauseMs: 5, closeMs: 3000, ...options.delivery };
  const notifier = createWebhook({ url, warn: (message) => warnings.push(message), ...options, delivery });
  return { notifier, warnings };
}

const send = async (url: string, changes: readonly AlarmChange[], options?: Partial<WebhookOptions>) => {
  const { notifier, warnings } = webhook(url, options);
  for (const change of changes) await notifier.notify(change);
  await notifier.close();
  return warnings;
};

describe('createWebhook', () => {
  it('posts the change, signed, with an identity', async () => {
    const { url, asked } = await receiver(status(204));
    const change = changeOf('pump-7');
    expect(await send(`${url}/hooks/x`, [change], { secret: 'shh' })).toEqual([]);
    const [{ path, headers, body }] = asked;
    expect(path).toBe('/hooks/x');
    expect(headers['content-type']).toBe('application/json');
    const message = JSON.parse(body);
    expect(message).toMatchObject({ version: 1, ...change });
    expect(message.id).toBe(headers['idempotency-key']);
    expect(message.text).toBe('pump-7: fault raised at 2026-03-02T12:00:10.000Z: score 3.2, threshold 2');
    const hmac = createHmac('sha256', 'shh').update(`${headers['thrum-timestamp']}.${body}`).digest('hex');
    expect(headers['thrum-signature']).toBe(`sha256=${hmac}`);
  });

  it('has no signature without a secret, and a login where the address has one', async () => {
    const { url, asked } = await receiver(status(200));
    await send(url.replace('//', '//user:p%40ss@'), [changeOf('a')]);
    expect(asked[0].headers['thrum-signature']).toBeUndefined();
    expect(asked[0].headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  });

  it('tries again after failures, in order, with the same identity', async () => {
    const { url, asked } = await receiver((response, count) => status(count <= 2 ? 503 : 200)(response));
    const warnings = await send(url, [changeOf('a'), changeOf('b')]);
    expect(asked.map(({ body }) => JSON.parse(body).machine)).toEqual(['a', 'a', 'a', 'b']);
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
    expect(warnings[0]).toContain('answers 503; it is tried again');
    expect(warnings[1]).toContain('delivers again');
  });

  it('gives up what is refused, and goes on', async () => {
    const { url, asked } = await receiver((response, count) => status(count === 1 ? 400 : 200)(response));
    const warnings = await send(url, [changeOf('a'), changeOf('b')]);
    expect(asked.map(({ body }) => JSON.parse(body).machine)).toEqual(['a', 'b']);
    expect(warnings).toEqual([expect.stringMatching(/gave up a: fault raised .*: answers 400; see that address/)]);
  });

  it('lets others go first where one fails again and again', async () => {
    const { url, asked } = await receiver((response, _, { body }) =>
      status(JSON.parse(body).machine === 'bad' ? 500 : 200)(response),
    );
    const { notifier } = webhook(url, { delivery: { closeMs: 10 } });
    await notifier.notify(changeOf('bad'));
    await notifier.notify(changeOf('good'));
    await vi.waitFor(() => expect(asked.some(({ body }) => JSON.parse(body).machine === 'good')).toBe(true));
    await notifier.close();
  });

  it('does not wait for ever: neither for an answer, nor for an end of one', async () => {
    const { url, asked } = await receiver((response, count) => {
      if (count === 1) return;
      response.writeHead(200);
      if (count === 2) response.write('x'.repeat(10_000));
      else response.end();
    });
    const warnings = await send(url, [changeOf('a'), changeOf('b')], { timeoutMs: 100 });
    expect(asked).toHaveLength(3);
    expect(warnings[0]).toContain('cannot be reached: no answer in time');
  });

  it('follows a redirect on its host', async () => {
    const { url, asked } = await receiver((response, count) =>
      status(count === 1 ? 307 : 200, { location: '/moved' })(response),
    );
    expect(await send(url, [changeOf('a')])).toEqual([]);
    expect(asked.map(({ path }) => path)).toEqual(['/', '/moved']);
    expect(asked[1].body).toBe(asked[0].body);
  });

  it('follows none to another host, nor in circles, nor without its body', async () => {
    const other = await receiver(status(200));
    const away = await receiver(status(308, { location: other.url }));
    expect(await send(away.url, [changeOf('a')])).toEqual([expect.stringContaining('to another host, not followed')]);
    expect(other.asked).toEqual([]);
    const circle = await receiver(status(307, { location: '/' }));
    expect(await send(circle.url, [changeOf('a')])).toEqual([expect.stringContaining('redirects more than 3 times')]);
    const found = await receiver(status(302, { location: '/elsewhere' }));
    expect(await send(found.url, [changeOf('a')])).toEqual([expect.stringContaining('answers 302')]);
    expect(found.asked).toHaveLength(1);
  });

  it('keeps the newest when the receiver is away for long', async () => {
    let awake = false;
    const { url, asked } = await receiver((response) => status(awake ? 200 : 503)(response));
    const { notifier, warnings } = webhook(url, { delivery: { capacity: 3 } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await notifier.notify(changeOf(name));
    awake = true;
    const before = asked.length;
    await notifier.close();
    const taken = asked.slice(before).map(({ body }) => JSON.parse(body).machine);
    expect(taken.slice(-3)).toEqual(['c', 'd', 'e']);
    expect(warnings.filter((warning) => warning.includes('3 alarms wait; a: fault raised'))).toHaveLength(1);
  });

  it('says nothing secret, and never fails', async () => {
    const { url } = await receiver(status(500));
    const secret = url.replace('//', '//user:hunter2@').concat('/hooks/T0PS3CRET?token=T0PS3CRET');
    const options = { secret: 'S1GN', delivery: { closeMs: 30 } };
    const nobody = `http://user:hunter2@127.0.0.1:${await freePort()}/hooks/T0PS3CRET`;
    const refusing = await receiver(status(404));
    const elsewhere = await receiver(status(307, { location: 'http://user:hunter2@other.invalid/T0PS3CRET' }));
    const said = [
      ...(await send(secret, [changeOf('a')], options)),
      ...(await send(nobody, [changeOf('a')], options)),
      ...(await send(`${refusing.url}/T0PS3CRET`, [changeOf('a')], options)),
      ...(await send(`${elsewhere.url}/T0PS3CRET`, [changeOf('a')], options)),
    ].join('\n');
    expect(said).toContain('closed with 1 alarms that were not delivered');
    expect(said).toContain('cannot be reached: ECONNREFUSED');
    expect(said).not.toMatch(/hunter2|T0PS3CRET|S1GN/);
  });

  it.each(['', 'pump', 'ftp://host/x', 'javascript:alert(1)'])('refuses the address %j', (url) => {
    expect(() => createWebhook({ url, warn: () => {} })).toThrow('createWebhook: expected an address such as');
  });

  it('is closed once', async () => {
    const { url, asked } = await receiver(status(200));
    const { notifier, warnings } = webhook(url);
    await notifier.close();
    await notifier.notify(changeOf('a'));
    await notifier.close();
    expect(asked).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('is closed; a: fault raised')]);
  });
});
