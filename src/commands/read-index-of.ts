import { readIndex, type IndexItem } from '../archive/index.js';
import type { ProgramStage } from '../process/index.js';
import { s3Url } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import { ofObject } from './open-archive.js';
import { openObject, type ReadDependencies } from './read-object.js';

/** What reading an index needs. */
export interface ReadIndexDependencies extends Omit<ReadDependencies, 'decrypt' | 'streams'> {
  readonly decryptIndex: ProgramStage | undefined;
}

/**
 * The index of an object, read when it is asked for, and again each time; undefined where there is none, or no key for it.
 * Throws what `openObject` and `readIndex` throw.
 */
export function readIndexOf(
  { index, expected, name }: FoundObject,
  { decryptIndex, ...dependencies }: ReadIndexDependencies,
): AsyncIterable<IndexItem> | undefined {
  if (index === undefined || (name.encrypted && decryptIndex === undefined)) return undefined;
  const { key } = index;
  async function* bytes(): AsyncGenerator<Buffer, void> {
    const toRead = { key, encrypted: name.encrypted, expected: expected?.index };
    const opened = await openObject(toRead, { ...dependencies, decrypt: decryptIndex, streams: 1 });
    yield* opened.bytes();
  }
  async function* items(): AsyncGenerator<IndexItem, void> {
    try {
      yield* readIndex(bytes());
    } catch (error) {
      throw ofObject(error, s3Url(dependencies.store, key));
    }
  }
  return { [Symbol.asyncIterator]: items };
}
