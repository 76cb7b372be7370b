import { describe, expect, it } from 'vitest';
import { MalformedQuery, readQueryRequest } from '../../../sandbox/server/query-protocol.js';
import { raw, service, testServer } from './support.js';

const echo = service(
  's3',
  (got, response) => {
    try {
      const { action, version, parameters } = readQueryRequest(got);
      response.end(JSON.stringify({ action, version, parameters: Array.from(parameters) }));
    } catch (error) {
      if (!(error instanceof MalformedQuery)) throw error;
      response.writeHead(400).end(error.message);
    }
    return Promise.resolve();
  },
  { bodies: 'whole' },
);

describe('the Query protocol', () => {
  it('reads the form body of a POST and the query of a GET', async () => {
    await using test = await testServer([echo]);
    const { url } = test.server;
    const form = 'Action=Do&Version=2016-11-15&A.1=a%20b&A.2=c%2Bd+e';
    const expected = {
      action: 'Do',
      version: '2016-11-15',
      parameters: [
        ['A.1', 'a b'],
        ['A.2', 'c+d e'],
      ],
    };
    expect(JSON.parse((await raw(url, { method: 'POST', body: form })).body)).toEqual(expected);
    expect(JSON.parse((await raw(`${url}/?${form}`)).body)).toEqual(expected);
  });

  it('a request without Action, or larger than 1 MiB, is none', async () => {
    await using test = await testServer([echo]);
    const { url } = test.server;
    expect((await raw(url, { method: 'POST', body: 'Version=1' })).status).toBe(400);
    const large = await raw(url, { method: 'POST', body: `Action=Do&A=${'x'.repeat(1024 ** 2)}` });
    expect([large.status, large.body]).toEqual([403, expect.stringMatching(/^too-large: .*larger than/)]);
    expect(test.defects).toEqual([]);
  });
});
