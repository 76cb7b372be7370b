/** How long things take. Real EC2 takes seconds to hours; a demo should not, and a test mostly wants zeros. */
export interface Ec2Delays {
  /** From CreateSnapshot to `completed`, besides the copying itself. */
  readonly snapshotMs: number;
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
  createVolumeMs: 100,
  deleteVolumeMs: 50,
  attachMs: 200,
  deviceLateMs: 0,
  detachMs: 100,
};

/** For tests of something else. */
export const noDelays: Ec2Delays = {
  snapshotMs: 0,
  createVolumeMs: 0,
  deleteVolumeMs: 0,
  attachMs: 0,
  deviceLateMs: 0,
  detachMs: 0,
};
