import type { Caller, DryRuns, Ec2 } from '../../source/index.js';
import type { ObjectStore } from '../../store/index.js';

/** The credentials that were found, without their secret. */
export interface FoundCredentials {
  readonly accessKeyId: string;
  /** Undefined where they do not end, or nobody says when. */
  readonly expiresAt: Date | undefined;
  /** They end, and whoever gave them gives no others. */
  readonly endForGood: boolean;
}

/** How far the clock of this machine is from that of a service; positive where it is ahead. */
export interface ClockOffset {
  /** `S3` */
  readonly service: string;
  readonly offsetMs: number;
}

/** AWS in one region, as the doctor looks at it. */
export interface Cloud extends Disposable {
  /** Throws `credentials` where there are none. */
  credentials(): Promise<FoundCredentials>;
  /** Throws the AWS failures of `callAws`. */
  caller(signal: AbortSignal): Promise<Caller>;
  readonly ec2: Ec2;
  readonly dryRuns: DryRuns;
  readonly store: ObjectStore | undefined;
  /** By the dates of the answers so far, refusals included: one for each service that has answered. */
  clockOffsets(): readonly ClockOffset[];
}
