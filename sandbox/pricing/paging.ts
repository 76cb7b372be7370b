import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../src/core/index.js';
import { PricingError } from './errors.js';

/** How long a page token is good for. AWS does not tell its own limit. */
const tokenLifetimeMs = 60 * 60 * 1000;

const content = z.object({ offset: z.number(), query: z.string(), expiresAtMs: z.number() });

/** What a client asks of a listing, besides what is listed. */
export interface PageRequest {
  /** Everything that must stay the same from page to page. */
  readonly query: unknown;
  readonly size: number;
  readonly nextToken: string | undefined;
}

/** A part of a listing. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/** Cuts listings into pages. */
export interface Pager {
  /** Throws InvalidNextTokenException for a token that is not of this listing, ExpiredNextTokenException for an old one. */
  page<T>(all: readonly T[], request: PageRequest): Page<T>;
}

/** Tokens carry all that they stand for, sealed with a key of this pager; nothing is kept. */
export function newPager({ clock }: { readonly clock: Clock }): Pager {
  const key = randomBytes(32);
  const sealOf = (text: Buffer): Buffer => createHmac('sha256', key).update(text).digest().subarray(0, 16);
  const issue = (query: string, offset: number): string => {
    const text = Buffer.from(JSON.stringify({ offset, query, expiresAtMs: clock.now() + tokenLifetimeMs }));
    return `${sealOf(text).toString('base64')}:${text.toString('base64')}`;
  };
  const offsetOf = (token: string, query: string): number => {
    const [seal = '', text = ''] = token.split(':').map((part) => Buffer.from(part, 'base64'));
    const isOurs =
      seal.length === 16 && text.length > 0 && timingSafeEqual(Buffer.from(seal), sealOf(Buffer.from(text)));
    const claim = isOurs ? content.parse(JSON.parse(text.toString())) : undefined;
    if (claim?.query !== query) throw new PricingError('InvalidNextTokenException', 'The pagination token is invalid.');
    if (claim.expiresAtMs <= clock.now()) {
      throw new PricingError('ExpiredNextTokenException', 'The pagination token expired.');
    }
    return claim.offset;
  };
  return {
    page: (all, { query, size, nextToken }) => {
      const digest = createHash('sha256').update(JSON.stringify(query)).digest('base64');
      const begin = nextToken === undefined ? 0 : offsetOf(nextToken, digest);
      const end = begin + size;
      return { items: all.slice(begin, end), nextToken: end < all.length ? issue(digest, end) : undefined };
    },
  };
}
