import { describe, expect, it } from 'vitest';
import * as library from '../../src/index.js';

describe('the library', () => {
  it('has what README promises and what reading an archive takes', () => {
    const promised = [
      'migrate',
      'migrateSnapshot',
      'validate',
      'validateAgainstIndex',
      'findArchive',
      'openArchive',
      'createEc2',
      'currentInstance',
      'parseArchiveKey',
      'parseManifest',
      'readIndex',
      'parseSeekTable',
      'scanTar',
      'readReport',
      'reportFiles',
      'analyze',
      'advise',
      'adviseVolume',
      'seriesCost',
      'pricesOf',
      'fetchPrices',
      'AppError',
    ];
    expect(Object.keys(library)).toEqual(expect.arrayContaining(promised));
  });
});
