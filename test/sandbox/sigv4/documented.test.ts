import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { accountRoot } from '../../../sandbox/server/caller.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import type { Service, ServiceRequest } from '../../../sandbox/server/service.js';
import { authentication } from '../../../sandbox/sigv4/index.js';
import type { Clock } from '../../../src/core/index.js';

// The worked examples of the S3 API reference ("Signature calculations for the Authorization header", "Authenticating
// requests: using query parameters"): signatures that nobody here computed.

const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const at = (time: string): Clock => ({
  now: () => Date.parse(time),
  sleep: () => Promise.reject(new Error('no sleep')),
});

interface Example {
  readonly method?: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the stage makes of it: the request that it hands on. */
async function authenticated({ method = 'GET', target, headers }: Example, time: string): Promise<ServiceRequest> {
  const host = headers.host ?? 'examplebucket.s3.amazonaws.com';
  const request: ServiceRequest = {
    method,
    target,
    url: new URL(`http://${host}${target}`),
    headers: { host, ...headers },
    body: Readable.from([]),
    content: Buffer.alloc(0),
    region: 'us-east-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    caller: accountRoot('000000000000'),
    signedChunks: undefined,
    requestId: '1',
  };
  const caller = accountRoot('123456789012');
  const stage = authentication({
    clock: at(time),
    find: (id) =>
      id === 'AKIAIOSFODNN7EXAMPLE'
        ? { secretAccessKey, sessionToken: undefined, expiresAtMs: undefined, caller }
        : undefined,
  });
  let seen: ServiceRequest | undefined;
  const service = { signingName: 's3' } as Service;
  await stage({ service, request, response: undefined as never }, (exchange) => {
    seen = exchange.request;
    return Promise.resolve();
  });
  if (seen === undefined) throw new Error('The stage handed nothing on.');
  expect(seen.caller).toBe(caller);
  return seen;
}

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
}

const onTime = '2013-05-24T00:00:30Z';
const examples: readonly (readonly [string, Example])[] = [
  [
    'GET Object',
    {
      target: '/test.txt',
      headers: {
        authorization: authorization(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
        range: 'bytes=0-9',
        'x-amz-content-sha256': emptyHash,
        'x-amz-date': '20130524T000000Z',
      },
    },
  ],
  [
    'PUT Object',
    {
      method: 'PUT',
      target: '/test%24file.text',
      headers: {
        authorization: authorization(
          'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
          '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        ),
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
    },
  ],
  [
    'GET Bucket Lifecycle',
    {
      target: '/?lifecycle',
      headers: {
        authorization: authorization(
          'host;x-amz-content-sha256;x-amz-date',
          'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
        ),
        'x-amz-content-sha256': emptyHash,
        'x-amz-date': '20130524T000000Z',
      },
    },
  ],
  [
    'List Objects',
    {
      target: '/?max-keys=2&prefix=J',
      headers: {
        authorization: authorization(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
        'x-amz-content-sha256': emptyHash,
        'x-amz-date': '20130524T000000Z',
      },
    },
  ],
  [
    'a presigned URL',
    {
      target: `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
      headers: {},
    },
  ],
];

describe("the examples of AWS's documentation", () => {
  it.each(examples)('%s', async (_, example) => {
    await authenticated(example, onTime);
  });

  it.each(examples)('%s with another path is refused', async (_, example) => {
    const changed = { ...example, target: example.target.replace('/', '/x') };
    await expect(authenticated(changed, onTime)).rejects.toMatchObject({ kind: 'wrong-signature' });
  });

  it('a body in signed chunks', async () => {
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
    const { signedChunks } = await authenticated(
      {
        method: 'PUT',
        target: '/examplebucket/chunkObject.txt',
        headers: {
          host: 's3.amazonaws.com',
          authorization: authorization(
            'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
            seed,
          ),
          'content-encoding': 'aws-chunked',
          'content-length': '66824',
          'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
          'x-amz-date': '20130524T000000Z',
          'x-amz-decoded-content-length': '66560',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        },
      },
      onTime,
    );
    const hashOf = async (bytes: number): Promise<string> =>
      Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.alloc(bytes, 'a'))).toString('hex');
    const chunks: readonly (readonly [number, string])[] = [
      [65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
      [1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
      [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
    ];
    for (const [bytes, signature] of chunks) {
      expect(signedChunks?.verifyChunk({ signature, sha256: await hashOf(bytes) })).toBe(true);
    }
    expect(signedChunks?.verifyChunk({ signature: chunks[2]?.[1] ?? '', sha256: await hashOf(0) })).toBe(false);
  });

  it('a presigned URL is over after its seconds, and not valid before its time', async () => {
    const presigned = examples[4]?.[1] ?? { target: '', headers: {} };
    await expect(authenticated(presigned, '2013-05-25T00:00:01Z')).rejects.toMatchObject({
      kind: 'expired-request',
      message: 'Request has expired',
    });
    await expect(authenticated(presigned, '2013-05-23T23:40:00Z')).rejects.toMatchObject({
      message: 'Request is not yet valid',
    });
  });

  it('a clock that is more than 15 minutes off, either way', async () => {
    const get = examples[0]?.[1] ?? { target: '', headers: {} };
    await authenticated(get, '2013-05-24T00:14:59Z');
    for (const time of ['2013-05-24T00:15:01Z', '2013-05-23T23:44:59Z']) {
      await expect(authenticated(get, time)).rejects.toMatchObject({ kind: 'skewed' });
    }
  });

  it('a header that is not signed', async () => {
    const get = examples[0]?.[1] ?? { target: '', headers: {} };
    const smuggled = { ...get, headers: { ...get.headers, 'x-amz-acl': 'public-read' } };
    const refused = await authenticated(smuggled, onTime).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refusal);
    expect(refused).toMatchObject({ kind: 'access-denied', details: { HeadersNotSigned: 'x-amz-acl' } });
  });
});
