import { invalid } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { Members } from '../request/members.js';
import { lifetimes } from '../settings.js';
import { makeToken, newNonce, readToken, type TokenPurpose } from '../tokens.js';
import { blockIndex, maxResults, token } from './rules.js';

/** What a listing asks for. */
export interface PageRequest {
  readonly pageToken: string | undefined;
  readonly mostBlocks: number;
  readonly startingBlockIndex: number;
}

/** Where a page begins, and whether it is one of those that are empty. */
export interface PageStart {
  readonly from: number;
  readonly mostBlocks: number;
  readonly isEmpty: boolean;
  /** The token of the page that begins at a block. */
  readonly tokenFor: (index: number) => string;
}

/** The names of the query. */
export const pagingQuery = {
  maxResults: 'maxResults',
  nextToken: 'pageToken',
  startingBlockIndex: 'startingBlockIndex',
} as const;

/** Reads MaxResults, NextToken and StartingBlockIndex. */
export function readPageRequest(members: Members): PageRequest {
  return {
    mostBlocks: members.integer('maxResults', maxResults) ?? 10_000,
    pageToken: members.text('nextToken', token),
    startingBlockIndex: members.integer('startingBlockIndex', blockIndex) ?? 0,
  };
}

/** Begins a page. Throws `ValidationException` (INVALID_PAGE_TOKEN) for a token of another listing, or one that is over. */
export function beginPage(request: PageRequest, scope: readonly string[], lifecycle: Lifecycle): PageStart {
  const { clock, paging, state } = lifecycle;
  const { secret } = state;
  const purpose: TokenPurpose = { kind: 'page', scope };
  const { pageToken } = request;
  const content =
    pageToken === undefined
      ? { index: request.startingBlockIndex, emptyPages: 0 }
      : readToken(pageToken, purpose, { secret, nowMs: clock.now() });
  if (content === undefined) {
    throw invalid('INVALID_PAGE_TOKEN', `The pagination token ${pageToken ?? ''} is invalid.`);
  }
  const isEmpty = content.emptyPages < paging.emptyPages;
  const emptyPages = isEmpty ? content.emptyPages + 1 : 0;
  const expiresAtMs = clock.now() + lifetimes.pageTokenMs;
  return {
    from: content.index,
    mostBlocks: Math.min(request.mostBlocks, paging.mostBlocks),
    isEmpty,
    tokenFor: (index) => makeToken(purpose, { index, expiresAtMs, emptyPages }, { secret, nonce: newNonce() }),
  };
}

/** Makes the block tokens of one listing, and says when they are over. */
export function blockTokens(
  region: string,
  { clock, state }: Lifecycle,
): { readonly expiresAtMs: number; readonly tokenOf: (snapshotId: string, index: number) => string } {
  const expiresAtMs = clock.now() + lifetimes.blockTokenMs;
  const key = { secret: state.secret, nonce: newNonce() };
  return {
    expiresAtMs,
    tokenOf: (snapshotId, index) =>
      makeToken(blockPurpose(region, snapshotId), { index, expiresAtMs, emptyPages: 0 }, key),
  };
}

/** What a block token is for. */
export function blockPurpose(region: string, snapshotId: string): TokenPurpose {
  return { kind: 'block', scope: [region, snapshotId] };
}

/** A time as REST-JSON says it: seconds since the epoch, with a fraction. */
export function timestamp(ms: number): number {
  return ms / 1_000;
}
