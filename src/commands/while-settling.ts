import { isAbort } from '../core/index.js';
import type { Claim } from '../source/index.js';
import type { UploadGuard } from '../store/index.js';

/**
 * Works while it is not known yet that a claim stands, and returns when both is over. Where it does not stand the signal
 * aborts, and what `stands` throws is thrown.
 */
export async function whileSettling<T>(
  claim: Claim,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    const result = await work(AbortSignal.any([signal, claim.lost]));
    await claim.stands();
    return result;
  } catch (error) {
    if (claim.lost.aborted && !signal.aborted && isAbort(error)) throw claim.lost.reason;
    throw error;
  }
}

/** A guard that lets nothing come into being before the claim stands. */
export function standing(claim: Claim, guard: UploadGuard): UploadGuard {
  return {
    ...guard,
    finishing: async (key) => {
      await claim.stands();
      await guard.finishing(key);
    },
  };
}
