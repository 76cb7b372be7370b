const zeros = Buffer.alloc(64 * 1024);

/** True when all bytes are zero; of most others the first comparison tells. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const piece = bytes.subarray(at, at + zeros.length);
    if (!piece.equals(piece.length === zeros.length ? zeros : zeros.subarray(0, piece.length))) return false;
  }
  return true;
}
