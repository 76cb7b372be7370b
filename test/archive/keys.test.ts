import { describe, expect, it } from 'vitest';
import {
  archiveKey,
  archiveKeyOfIndex,
  indexKey,
  manifestKey,
  parseArchiveKey,
  parseManifestKey,
  parseValidationKey,
  validationKey,
} from '../../src/archive/keys.js';
import { snapshotId, volumeId } from '../../src/core/index.js';

const snapshot = {
  snapshotId: snapshotId('snap-0123456789abcdef0'),
  volumeId: volumeId('vol-0fedcba9876543210'),
  startTime: new Date('2017-01-02T03:04:05.678Z'),
};
const stem = 'vol-0fedcba9876543210/2017-01-02T03:04:05+00:00 snap-0123456789abcdef0';
const whole = { ...snapshot, partition: undefined, content: 'tar', codec: 'lz4', encrypted: false } as const;

describe('keys of archives', () => {
  it.each([
    [whole, `${stem}.tar.lz4`],
    [{ ...whole, partition: '1' }, `${stem}.1.tar.lz4`],
    [{ ...whole, partition: '15', codec: 'zstd' }, `${stem}.15.tar.zstd`],
    [{ ...whole, content: 'image', codec: 'zstd' }, `${stem}.img.zstd`],
    [{ ...whole, content: 'image', encrypted: true }, `${stem}.img.lz4.gpg`],
  ] as const)("are the existing tool's: %#", (name, key) => {
    expect(archiveKey(name)).toBe(key);
    expect(parseArchiveKey(key)).toEqual({ ...name, startTime: new Date('2017-01-02T03:04:05Z') });
  });

  it('of the existing tool with a description are read too', () => {
    expect(parseArchiveKey(`${stem} - nightly backup. of db.1 (x).2.tar.lz4`)).toMatchObject({ partition: '2' });
    expect(parseArchiveKey(`${stem} - nightly\nbackup.tar.zstd.gpg`)).toMatchObject({
      partition: undefined,
      codec: 'zstd',
      encrypted: true,
    });
  });

  it('of indexes, manifests and strangers are not archives', () => {
    const key = archiveKey(whole);
    expect(indexKey(key)).toBe(`${stem}.tar.lz4.index.jsonl.gz`);
    expect(indexKey(`${key}.gpg`)).toBe(`${stem}.tar.lz4.index.jsonl.gz.gpg`);
    expect(manifestKey(snapshot)).toBe(`${stem}.manifest.json`);
    for (const other of [indexKey(key), manifestKey(snapshot), `${key}x`, `x${key}`, 'vol-1/2017 snap-1.tar.lz4', '']) {
      expect(parseArchiveKey(other)).toBeUndefined();
    }
  });

  it('of the record of a validation are nothing else', () => {
    const key = validationKey(snapshot);
    expect(key).toBe(`${stem}.validated.json`);
    expect(parseValidationKey(key)).toBe(snapshot.snapshotId);
    expect([parseArchiveKey(key), parseManifestKey(key), archiveKeyOfIndex(key)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const others = [archiveKey(whole), indexKey(archiveKey(whole)), manifestKey(snapshot), `${key}x`, `x${key}`, ''];
    for (const other of others) expect(parseValidationKey(other)).toBeUndefined();
    expect(parseManifestKey(manifestKey(snapshot))).toBe(snapshot.snapshotId);
  });
});
