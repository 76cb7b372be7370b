import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifest, parseSeekFooter, parseSeekTable, readIndex, seekFooterBytes } from '../../src/archive/index.js';
import { decompressor } from '../../src/codec/index.js';
import { run, runText } from '../../src/process/index.js';

// Archives of format version 1, written once and never again: every later version must read them.
const folder = join(import.meta.dirname, '../fixtures/format-1');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['lz4', 'zstd'] as const)('archives of format 1, %s', (codec) => {
  const archive = (content: 'tar' | 'img') => readFile(join(folder, `${content}.${codec}`));

  it('are what their manifest says', async () => {
    const { objects } = parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8'), 'manifest.json');
    for (const object of objects.filter((one) => one.codec === codec)) {
      const bytes = await archive(object.content === 'image' ? 'img' : 'tar');
      expect([bytes.length, sha256(bytes)]).toEqual([object.storedBytes, object.sha256]);
      const footer = parseSeekFooter(bytes.subarray(-seekFooterBytes));
      const table = parseSeekTable(bytes.subarray(-(footer?.tableBytes ?? 0)), bytes.length);
      expect([table.frames, table.rawBytes]).toEqual([object.frames, object.rawBytes]);
      const raw: Buffer[] = [];
      for (let n = 0; n < table.frames; n += 1) {
        const { compressedOffset, compressedBytes, rawBytes } = table.frame(n);
        raw.push(
          await decompressor(codec)(bytes.subarray(compressedOffset, compressedOffset + compressedBytes), rawBytes),
        );
      }
      const plain = await run([codec, '--decompress', '--stdout'], { input: bytes });
      expect(Buffer.concat(raw).equals(plain)).toBe(true);
    }
  });

  it('are tars that tar reads', async () => {
    const tar = await run([codec, '--decompress', '--stdout'], { input: await archive('tar') });
    const names = await runText(['tar', '--list', '--file=-'], { input: tar });
    expect(names.trim().split('\n')).toEqual([
      './',
      './folder/',
      './folder/empty',
      './folder/hard',
      './hello.txt',
      './latin1-\\351',
      './link',
      './sparse',
    ]);
    expect(await runText(['tar', '--extract', '--to-stdout', '--file=-', './folder/hard'], { input: tar })).toBe(
      'hello, world\n',
    );
  });

  it('have indexes that tell every entry', async () => {
    const lines: unknown[] = [];
    for await (const item of readIndex(createReadStream(join(folder, `tar.${codec}.index.jsonl.gz`)))) lines.push(item);
    expect(lines).toHaveLength(10);
    expect(lines).toContainEqual(
      expect.objectContaining({
        entry: expect.objectContaining({
          path: Buffer.from('folder/hard'),
          type: 'file',
          mtime: '1483228800.123456789',
          sha256: sha256(Buffer.from('hello, world\n')),
          xattrs: new Map([['user.colour', Buffer.from('blue')]]),
        }),
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        entry: expect.objectContaining({
          type: 'hardlink',
          linkTarget: Buffer.from('folder/hard'),
          path: Buffer.from('hello.txt'),
        }),
      }),
    );
    const latin1 = Buffer.concat([Buffer.from('latin1-'), Buffer.from([0xe9])]);
    expect(lines).toContainEqual(expect.objectContaining({ entry: expect.objectContaining({ path: latin1 }) }));
  });

  it('are images, chunk by chunk', async () => {
    const image = await run([codec, '--decompress', '--stdout'], { input: await archive('img') });
    expect(image.length).toBe(5 * 1024 ** 2);
    for await (const item of readIndex(createReadStream(join(folder, `img.${codec}.index.jsonl.gz`)))) {
      if (item.kind !== 'chunk') continue;
      const { offset, sizeBytes, sha256: sum, zero } = item.chunk;
      const chunk = image.subarray(offset, offset + sizeBytes);
      expect([sha256(chunk), chunk.every((byte) => byte === 0)]).toEqual([sum, zero]);
    }
  });
});
