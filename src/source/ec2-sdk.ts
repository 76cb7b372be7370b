import type * as sdk from '@aws-sdk/client-ec2';

/** The official SDK for EC2. */
export type Ec2Sdk = typeof sdk;

/**
 * Loads the SDK for EC2 when somebody asks EC2 something: it takes a quarter of a second and 50 MB, which commands that work
 * with S3 alone need not spend.
 */
export function ec2Sdk(): Promise<Ec2Sdk> {
  return import('@aws-sdk/client-ec2');
}
