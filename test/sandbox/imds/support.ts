import { onTestFinished } from 'vitest';
import { createImds, type ImdsOptions, type ListenerPlace, type TemporaryKey } from '../../../sandbox/imds/index.js';
import { raw, type RawAnswer } from '../server/support.js';

export const instance = {
  id: 'i-0123456789abcdef0',
  region: 'us-east-1',
  zone: 'us-east-1a',
  zoneId: 'use1-az1',
  accountId: '123456789012',
  instanceType: 'm6i.large',
  imageId: 'ami-0123456789abcdef0',
  privateIp: '172.31.0.10',
  launchedAtMs: 1_700_000_000_000,
};

export const tokenHeader = 'x-aws-ec2-metadata-token';
export const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';

/** A key that differs from those with other numbers. */
export function temporaryKey(number: number, issuedAtMs: number, lifetimeMs = 6 * 60 * 60 * 1000): TemporaryKey {
  return {
    accessKeyId: `ASIAKEYNUMBER000000${number}`,
    secretAccessKey: `secret/${number}`.padEnd(40, 'x'),
    sessionToken: `session token ${number}`,
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifetimeMs,
  };
}

/** A running metadata service whose clock stands still until `pass`, and a client of it. */
export async function testImds(options: Partial<ImdsOptions> = {}, place: ListenerPlace = {}) {
  let nowMs = Date.UTC(2026, 10, 23, 12, 0, 0, 500);
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const service = createImds({ instance, keys: { current: () => temporaryKey(1, nowMs) }, clock, ...options });
  const listener = await service.listen(0, place);
  onTestFinished(() => listener.close());
  const send = (path: string, { method = 'GET', headers = {} }: Sent = {}): Promise<RawAnswer> =>
    raw(`${listener.url}${path}`, { method, headers });
  const askToken = (ttl: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
    send('/latest/api/token', { method: 'PUT', headers: { [ttlHeader]: ttl, ...headers } });
  return {
    service,
    url: listener.url,
    close: () => listener.close(),
    send,
    askToken,
    pass: (ms: number) => (nowMs += ms),
    /** Reads with a fresh token. */
    get: async (path: string) => send(path, { headers: { [tokenHeader]: (await askToken('60')).body } }),
  };
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}
