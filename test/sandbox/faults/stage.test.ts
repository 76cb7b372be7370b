import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { newFaultInjection } from '../../../sandbox/faults/index.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import type { Service } from '../../../sandbox/server/service.js';
import { systemClock } from '../../../src/core/index.js';
import { raw, service, signedFor, testServer, type TestServer } from '../server/support.js';

/** A service with one operation, which answers with the body that it got. */
function echo(bodies: Service['bodies'], send: (body: string) => Parameters<typeof service>[1]): Service {
  return {
    ...service('ebs', async (got, response) => {
      const body = bodies === 'whole' ? got.content.toString('latin1') : await text(got.body);
      await send(body)(got, response);
    }),
    bodies,
    operations: [{ name: 'PutSnapshotBlock', takesBody: true, givesBody: true, faults: [] }],
    operationOf: () => 'PutSnapshotBlock',
  };
}

const atOnce = (body: string) => (_: unknown, response: Parameters<Service['handle']>[1]) => {
  response.end(body);
  return Promise.resolve();
};

async function faulty(one: Service, before: readonly Stage[] = []) {
  const { faults, stage } = newFaultInjection([one], { clock: systemClock });
  const test: TestServer = await testServer([one], { stages: [...before, stage] });
  return { faults, test, url: test.server.url };
}

const put = (url: string, body: string) => raw(url, { method: 'PUT', headers: signedFor('ebs'), body });

describe('the stage of faults', () => {
  it('never meets a request that a stage before it has refused', async () => {
    const refuse: Stage = ({ request }, _) =>
      Promise.reject(new Refusal('wrong-signature', request.headers['x-why']?.toString() ?? ''));
    const { faults, test, url } = await faulty(echo('whole', atOnce), [refuse]);
    await using _ = test;
    const fault = faults.add({ operation: '*', fault: { kind: 'throttled' } });
    expect((await put(url, 'text')).body).toBe('wrong-signature: ');
    expect([fault.met, fault.fired]).toEqual([0, 0]);
  });

  it('flips a bit of a body that its service wants whole', async () => {
    const { faults, test, url } = await faulty(echo('whole', atOnce));
    await using _ = test;
    const fault = faults.add({
      operation: 'ebs:PutSnapshotBlock',
      fault: { kind: 'flipped-bit', body: 'request', atByte: 1 },
    });
    const { body } = await put(url, 'text');
    expect(body).toMatch(/^t[^e]xt$/);
    expect(fault.fired).toBe(1);
    const slow = { kind: 'slow', bytesPerSecond: 1, body: 'request' } as const;
    expect(() => faults.add({ operation: 'ebs:*', fault: slow })).toThrow('ebs:* cannot have the fault slow');
  });

  it.each<[string, (body: string) => Parameters<typeof service>[1], string | undefined]>([
    ['in one piece, with a length', atOnce, '8'],
    [
      'in pieces, without a length',
      (body) => (_, response) => {
        response.writeHead(200, 'Fine', { 'x-more': '1' });
        for (const character of body) response.write(character);
        response.end();
        return Promise.resolve();
      },
      undefined,
    ],
    [
      'in encoded text, and with callbacks',
      (body) => (_, response) =>
        new Promise((resolve) => {
          const half = Buffer.from(body.slice(0, 4), 'latin1').toString('hex');
          response.write(half, 'hex', () => response.end(body.slice(4), 'latin1', resolve));
        }),
      undefined,
    ],
  ])('leaves an answer as it is that comes %s', async (_, send, length) => {
    const { faults, test, url } = await faulty(echo('streamed', send));
    await using __ = test;
    const fault = faults.add({ operation: '*', fault: { kind: 'flipped-bit', atByte: 8, body: 'response' } });
    const answer = await put(url, 'whatever');
    expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([200, 'whatever', length]);
    expect([fault.met, fault.fired]).toEqual([1, 0]);
    expect(test.defects).toEqual([]);
  });

  it('many requests hang at once, and each is answered', async () => {
    const { faults, test, url } = await faulty(echo('streamed', atOnce));
    await using _ = test;
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', onWarning);
    const fault = faults.add({ operation: '*', fault: { kind: 'hang' } });
    const all = Array.from({ length: 30 }, (__, n) => put(url, String(n)));
    await fault.hasFired(30);
    fault.remove();
    expect((await Promise.all(all)).map(({ body }) => Number(body))).toEqual(Array.from(all.keys()));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});
