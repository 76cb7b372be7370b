import { KiB } from '../core/index.js';
import { corruptFrame } from './corrupt-frame.js';
import type { Walk, WalkFindings } from './walk.js';

const zstdMagic = 0xfd2fb528;
const largestBlockBytes = 128 * KiB;
const dictionaryIdBytes = [0, 1, 2, 4];

/** Walks through a frame of zstd (RFC 8878, 3.1.1). Throws `corrupt-archive`. */
export function zstdWalk(magic: number, findings: WalkFindings): Walk | undefined {
  return magic === zstdMagic ? walk(findings) : undefined;
}

function* walk(findings: WalkFindings): Walk {
  const descriptor = (yield { kind: 'read', bytes: 1 })[0] ?? 0;
  if ((descriptor & 0b1000) !== 0) throw corruptFrame('zstd', 'its header is unknown');
  findings.hasChecksum = (descriptor & 0b100) !== 0;
  const singleSegment = (descriptor & 0b100000) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  yield { kind: 'skip', bytes: (singleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 0b11] ?? 0) + sizeBytes };
  for (let last = false; !last;) {
    const header = (yield { kind: 'read', bytes: 3 }).readUIntLE(0, 3);
    const size = header >> 3;
    if (size > largestBlockBytes) throw corruptFrame('zstd', 'it has a block that is too large');
    last = (header & 1) === 1;
    switch ((header >> 1) & 3) {
      case 0:
        findings.mostRawBytes += size;
        yield { kind: 'skip', bytes: size };
        break;
      case 1:
        findings.mostRawBytes += size;
        yield { kind: 'skip', bytes: 1 };
        break;
      case 2:
        findings.mostRawBytes += largestBlockBytes;
        yield { kind: 'skip', bytes: size };
        break;
      default:
        throw corruptFrame('zstd', 'it has a block of an unknown type');
    }
  }
  if (findings.hasChecksum) yield { kind: 'skip', bytes: 4 };
}
