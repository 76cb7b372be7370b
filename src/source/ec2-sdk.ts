import type * as calls from './ec2-calls.js';

/** The official SDK for EC2, as far as it is used. */
export type Ec2Sdk = typeof calls;

/**
 * Loads the SDK for EC2 when somebody asks EC2 something: it takes time and memory, which commands that work with S3 alone
 * need not spend.
 */
export function ec2Sdk(): Promise<Ec2Sdk> {
  return import('./ec2-calls.js');
}
