import { describe, expect, it } from 'vitest';
import { archiveMetadata } from '../../src/archive/metadata.js';
import { objectTags, taggingHeader } from '../../src/archive/tags.js';
import { snapshotId, volumeId } from '../../src/core/index.js';

const facts = {
  snapshotId: snapshotId('snap-0123456789abcdef0'),
  volumeId: volumeId('vol-0fedcba9876543210'),
  startTime: new Date('2017-01-02T03:04:05.678Z'),
  volumeGiB: 500,
  description: 'nightly',
  uncompressedBytes: 123_456,
};

describe('metadata of archives', () => {
  it('has the names of the existing tool', () => {
    expect(archiveMetadata(facts)).toEqual({
      'snapshot-starttime': '2017-01-02T03:04:05+00:00',
      'snapshot-snapshotid': 'snap-0123456789abcdef0',
      'snapshot-volumesize': '500',
      'snapshot-volumeid': 'vol-0fedcba9876543210',
      'snapshot-description': 'nightly',
      'uncompressed-size': '123456',
    });
    expect(archiveMetadata({ ...facts, description: '' })).not.toHaveProperty('snapshot-description');
  });

  it.each(['gemütlich 🐘', 'two\nlines', 'bell \u0007', ' leading', '=?UTF-8?B?eA==?='])(
    'carries %j through an HTTP header',
    (description) => {
      const header = archiveMetadata({ ...facts, description })['snapshot-description'] ?? '';
      expect(header).toMatch(/^[\x21-\x7e]+$/);
      const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(header)?.[1] ?? '';
      expect(Buffer.from(encoded, 'base64').toString('utf8')).toBe(description);
    },
  );

  it('stays within 2 KB with the longest description EC2 allows', () => {
    const metadata = archiveMetadata({ ...facts, description: '🐘'.repeat(127) });
    const bytes = Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    expect(bytes).toBeLessThanOrEqual(2048);
  });
});

describe('tags of archives', () => {
  it('replace what S3 does not allow', () => {
    expect(objectTags({ 'Näme 1': 'a+b=c', 'x,y': '<z>&"', 'aws:cf': 'v', emoji: '🐘\n' }, [])).toEqual({
      tags: { 'Näme 1': 'a+b=c', x_y: '_z___', aws_cf: 'v', emoji: '__' },
      leftOut: [],
    });
  });

  it('leave out our own state, and name those over ten or equal after replacement', () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`k${String(n).padStart(2, '0')}`, 'v']));
    const { tags, leftOut } = objectTags({ ...many, 'snap-to-s3': 'migrating' }, ['snap-to-s3']);
    expect(Object.keys(tags)).toHaveLength(10);
    expect(leftOut).toEqual(['k10', 'k11']);
    expect(objectTags({ 'a,': '1', 'a;': '2' }, [])).toEqual({ tags: { a_: '1' }, leftOut: ['a;'] });
  });

  it('are encoded as the header wants them', () => {
    expect(taggingHeader({ 'a b': '1&2', c: '' })).toBe('a%20b=1%262&c=');
  });
});
