import { systemClock } from '../../src/core/index.js';
import { lightClient, together } from './client.js';
import type { RunningContender } from './contenders.js';
import { atOnce, beginUpload, crc32Base64, partBytes, partWithCrc32 } from './loads.js';

/** How often memory is looked at. */
const samplingMs = 500;
/** Parts of that many copies of the prepared one: 10,000 parts at most make an object. */
const largestCount = 10_000;

/** Uploads one object in parts, downloads it again, and tells how fast that was and how the server's memory went. */
export async function moveLargeObject(server: RunningContender, gibibytes: number): Promise<void> {
  const count = (gibibytes * 1024 ** 3) / partBytes;
  if (count > largestCount)
    throw new Error(`An object of ${gibibytes} GiB would have more than ${largestCount} parts.`);
  using client = lightClient(server.port);
  await client.send({ method: 'PUT', path: '/bench' });
  const uploadId = await beginUpload(client, 'CRC32');
  const { body, headers } = partWithCrc32();
  const etags: string[] = [];
  await report(server, `upload of ${gibibytes} GiB`, async () => {
    await together({ count, atOnce }, async (index) => {
      const path = `/bench/object?partNumber=${index + 1}&uploadId=${uploadId}`;
      etags[index] = String((await client.send({ method: 'PUT', path, headers, body })).headers.etag);
    });
    return count * partBytes;
  });
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag><ChecksumCRC32>${crc32Base64()}</ChecksumCRC32></Part>`,
  );
  const document = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
  await client.send({ method: 'POST', path: `/bench/object?uploadId=${uploadId}`, body: document });
  await report(server, `download of ${gibibytes} GiB`, () => client.count('/bench/object'));
  console.log(`peak ${server.peakMiB()} MiB`);
}

async function report(server: RunningContender, name: string, move: () => Promise<number>): Promise<void> {
  const over = new AbortController();
  const samples: number[] = [];
  const sampling = (async () => {
    for (;;) {
      samples.push(server.residentMiB());
      await systemClock.sleep(samplingMs, over.signal);
    }
  })().catch(() => undefined);
  const beganMs = systemClock.now();
  const bytes = await move();
  const rate = bytes / 1000 / (systemClock.now() - beganMs);
  over.abort();
  await sampling;
  const tenths = Array.from({ length: 10 }, (_, tenth) => {
    const of = samples.slice(Math.floor((tenth * samples.length) / 10), Math.ceil(((tenth + 1) * samples.length) / 10));
    return Math.max(...of);
  });
  console.log(`${name}: ${rate.toFixed(0)} MB/s; most memory in each tenth of it, in MiB: ${tenths.join(' ')}`);
}
