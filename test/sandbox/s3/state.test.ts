import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../../sandbox/s3/state/index.js';
import { temporaryDirectory } from './temporary-directory.js';

describe('a state directory', () => {
  it('from before there were versions and locks is read, and its bytes are kept', async () => {
    await using directory = await temporaryDirectory();
    const bucket = join(directory.path, 'buckets', 'b');
    const upload = join(bucket, 'uploads', 'u1');
    await mkdir(join(bucket, 'objects'), { recursive: true });
    await mkdir(upload, { recursive: true });
    await mkdir(join(directory.path, 'bodies'));
    await writeFile(join(directory.path, 'bodies', 'file-1'), 'hello');
    await writeFile(join(bucket, 'bucket.json'), JSON.stringify({ name: 'b', region: 'us-east-1', createdMs: 1 }));
    const object = {
      key: 'k',
      bytes: 5,
      etag: createHash('md5').update('hello').digest('hex'),
      lastModifiedMs: 1,
      segments: [{ file: 'file-1', bytes: 5 }],
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'NhCmhg==' },
      tags: {},
      headers: {},
      metadata: {},
      storageClass: 'STANDARD',
      encryption: { algorithm: 'AES256' },
    };
    await writeFile(join(bucket, 'objects', 'any-name.json'), JSON.stringify(object));
    await writeFile(join(upload, 'upload.json'), JSON.stringify({ uploadId: 'u1', key: 'k', tags: {} }));

    const store = await openStore(directory.path);
    const found = store.buckets.get('b');
    expect(found?.settings).toEqual({});
    expect(found?.objects.get('k')).toEqual({ ...object, kind: 'object', versionId: 'null', lock: {} });
    expect(found?.uploads.get('u1')?.lock).toEqual({});
    await using reading = store.bodies.read([{ file: 'file-1', bytes: 5 }], 0, 5);
    expect(await text(reading.bytes)).toBe('hello');
  });
});
