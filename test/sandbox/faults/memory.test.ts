import { request } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../sandbox/index.js';
import { Bucket, get, put } from '../s3/support.js';
import { presignedUrl } from '../../support/presigned.js';
import { faultySandbox } from './support.js';

const MiB = 1024 ** 2;
const bodyBytes = 256 * MiB;
const mostMiB = 64;

/** The most memory outside the heap while something is done, more than before, in MiB. */
async function growth(work: (look: () => void) => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = 0;
  await work(() => {
    most = Math.max(most, process.memoryUsage().rss - before);
  });
  return most / MiB;
}

function* zeros(look: () => void): Generator<Buffer> {
  const piece = Buffer.alloc(MiB);
  for (let sent = 0; sent < bodyBytes; sent += piece.length) {
    look();
    yield piece;
  }
}

async function upload(url: string, look: () => void): Promise<void> {
  const headers = { 'content-length': bodyBytes };
  const sent = request(url, { method: 'PUT', headers });
  const answered = new Promise((resolve, reject) => {
    sent.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode)));
    sent.on('error', reject);
  });
  await pipeline(Readable.from(zeros(look)), sent);
  expect(await answered).toBe(200);
}

async function download(url: string, look: () => void): Promise<number> {
  let bytes = 0;
  let ones = 0;
  const { body } = await fetch(url);
  if (body === null) throw new Error('no body');
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      if (!chunk.equals(Buffer.alloc(chunk.length))) ones += 1;
      look();
      done();
    },
  });
  await pipeline(Readable.fromWeb(body), sink);
  expect(bytes).toBe(bodyBytes);
  return ones;
}

describe('the memory that a body of 256 MiB takes', () => {
  it.each<Fault>([
    { kind: 'slow', bytesPerSecond: 64 * MiB },
    { kind: 'flipped-bit', atByte: 200 * MiB },
  ])('is a small part of it, with the fault $kind in both directions', async (fault) => {
    const { url, s3, faults } = await faultySandbox();
    // What the local S3 has for all bodies together, its threads above all, is there before anything is measured.
    await put(s3, 'first', { Body: Buffer.alloc(32 * MiB) });
    await get(s3, 'first');
    const injected = faults.add({ operation: 's3:*', fault });
    expect(await growth((look) => upload(presignedUrl(url, 'PUT', `/${Bucket}/key`), look))).toBeLessThan(mostMiB);
    expect(injected.fired).toBe(1);
    let ones = 0;
    const grown = await growth(async (look) => {
      ones = await download(presignedUrl(url, 'GET', `/${Bucket}/key`), look);
    });
    expect(grown).toBeLessThan(mostMiB);
    expect(injected.fired).toBe(2);
    // The two flipped bits are in one byte.
    expect(ones).toBe(fault.kind === 'slow' ? 0 : 1);
  });
});
