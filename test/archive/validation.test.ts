import { describe, expect, it } from 'vitest';
import { encodeValidation, parseValidation, type Validation } from '../../src/archive/index.js';

const validation: Validation = {
  format: 'snap-to-s3-validation',
  version: 1,
  tool: { name: 'snap-to-s3', version: '0.1.0' },
  validatedAt: '2026-11-29T06:00:00.000Z',
  snapshotId: 'snap-0123456789abcdef0',
  objects: [{ key: 'vol-1/x.tar.lz4', storedBytes: 7, etag: '"abc"' }],
};
const refusal = (text: string) => {
  try {
    parseValidation(text, 's3://bucket/key');
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('the record of a validation', () => {
  it('is read as it was written, whatever a later version has added', () => {
    const text = encodeValidation(validation).toString('utf8');
    expect(text.endsWith('}\n')).toBe(true);
    expect(parseValidation(text, 'key')).toEqual(validation);
    expect(parseValidation(JSON.stringify({ ...validation, more: true }), 'key')).toEqual(validation);
  });

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['another format', JSON.stringify({ ...validation, format: 'snap-to-s3-manifest' }), 'format'],
    ['a newer version', JSON.stringify({ ...validation, version: 2 }), 'version'],
    ['no time', JSON.stringify({ ...validation, validatedAt: 'yesterday' }), 'validatedAt'],
    [
      'a size below nothing',
      JSON.stringify({ ...validation, objects: [{ key: 'k', storedBytes: -1, etag: '' }] }),
      'objects.0.storedBytes',
    ],
  ])('with %s is refused, with its place and what is wrong', (_, text, wrong) => {
    expect(refusal(text)).toMatchObject({ code: 'corrupt-archive', message: expect.stringContaining(wrong) });
    expect(refusal(text)).toMatchObject({ message: expect.stringContaining('s3://bucket/key') });
  });
});
