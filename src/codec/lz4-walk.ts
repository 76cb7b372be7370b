import { corruptFrame } from './corrupt-frame.js';
import type { Walk, WalkFindings } from './walk.js';

const lz4Magic = 0x184d2204;

/** Walks through a frame of lz4 (lz4_Frame_format.md 1.6). Throws `corrupt-archive`. */
export function lz4Walk(magic: number, findings: WalkFindings): Walk | undefined {
  return magic === lz4Magic ? walk(findings) : undefined;
}

function* walk(findings: WalkFindings): Walk {
  const descriptor = yield { kind: 'read', bytes: 2 };
  const flags = descriptor[0] ?? 0;
  const blockCode = ((descriptor[1] ?? 0) >> 4) & 7;
  // A dictionary, or a version to come.
  if (flags >> 6 !== 1 || (flags & 0b11) !== 0 || blockCode < 4) throw corruptFrame('lz4', 'its header is unknown');
  findings.hasChecksum = (flags & 0b100) !== 0;
  const blockBytes = 2 ** (8 + 2 * blockCode);
  const blockSumBytes = (flags & 0b10000) === 0 ? 0 : 4;
  // Content size, if there is one, and the checksum of the header.
  yield { kind: 'skip', bytes: ((flags & 0b1000) === 0 ? 0 : 8) + 1 };
  for (;;) {
    const field = (yield { kind: 'read', bytes: 4 }).readUInt32LE(0);
    const size = field & 0x7fffffff;
    if (size === 0) break;
    if (size > blockBytes) throw corruptFrame('lz4', 'it has a block that is too large');
    findings.mostRawBytes += field > 0x7fffffff ? size : blockBytes;
    yield { kind: 'skip', bytes: size + blockSumBytes };
  }
  if (findings.hasChecksum) yield { kind: 'skip', bytes: 4 };
}
