import { AppError } from '../../src/core/index.js';

/** How an instance's metadata service behaves: the options of EC2's ModifyInstanceMetadataOptions, in its words. */
export interface MetadataOptions {
  /** `required`: every read needs a session token (version 2); `optional`: reads without one are answered as well. */
  readonly httpTokens: 'required' | 'optional';
  /** `disabled`: everything is refused. */
  readonly httpEndpoint: 'enabled' | 'disabled';
  /** How many network hops the answer to a token request gets: 1 to 64. The instance itself is one, a container two. */
  readonly httpPutResponseHopLimit: number;
  /** Whether the instance's tags are below `meta-data/tags/instance`. */
  readonly instanceMetadataTags: 'enabled' | 'disabled';
}

/** As an instance of an image with ImdsSupport v2.0 begins, Amazon Linux 2023 for one: tokens, and containers get them. */
export const defaultMetadataOptions: MetadataOptions = {
  httpTokens: 'required',
  httpEndpoint: 'enabled',
  httpPutResponseHopLimit: 2,
  instanceMetadataTags: 'disabled',
};

/** The options with some changed. Throws `usage` for a hop limit that is none. */
export function changedOptions(options: MetadataOptions, changes: Partial<MetadataOptions>): MetadataOptions {
  const changed = { ...options, ...changes };
  const { httpPutResponseHopLimit: hops } = changed;
  if (!Number.isInteger(hops) || hops < 1 || hops > 64) {
    throw new AppError('usage', `The hop limit of the metadata service is ${hops}; it can be 1 to 64.`);
  }
  return changed;
}
