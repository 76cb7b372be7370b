/** How long things take. Real EC2 takes seconds to hours; a demo should not, and a test mostly wants zeros. */
export interface Ec2Delays {
  /** From CreateSnapshot or CopySnapshot to `completed`, besides the copying itself. */
  readonly snapshotMs: number;
  /** `archival-in-progress`. */
  readonly archiveMs: number;
  /** `temporary-restore-in-progress` and `permanent-restore-in-progress`; up to 72 hours on EC2. */
  readonly restoreMs: number;
  /** `creating`, besides the copying itself. */
  readonly createVolumeMs: number;
  /** `deleting`. */
  readonly deleteVolumeMs: number;
  /** `attaching`, before the device appears. */
  readonly attachMs: number;
  /** How long after `attached` the device appears; 0: before, as is usual. */
  readonly deviceLateMs: number;
  /** `detaching`, before the device goes. */
  readonly detachMs: number;
}

/** For people at a terminal: every state can be seen, none annoys. */
export const defaultDelays: Ec2Delays = {
  snapshotMs: 300,
  archiveMs: 500,
  restoreMs: 1_000,
  createVolumeMs: 100,
  deleteVolumeMs: 50,
  attachMs: 200,
  deviceLateMs: 0,
  detachMs: 100,
};

/** For tests of something else. */
export const noDelays: Ec2Delays = {
  snapshotMs: 0,
  archiveMs: 0,
  restoreMs: 0,
  createVolumeMs: 0,
  deleteVolumeMs: 0,
  attachMs: 0,
  deviceLateMs: 0,
  detachMs: 0,
};
