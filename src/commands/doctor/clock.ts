import { formatDuration } from '../../core/index.js';
import type { ClockOffset } from './cloud.js';
import { findingsOf, type Finding } from './finding.js';

const findings = findingsOf('aws');
const check = 'clock';

/** A clock that is off by so much is not kept right by anything. */
const suspiciousMs = 60_000;
/** AWS refuses signatures that are more than 5 minutes off (IAM user guide), S3 after 15 (`RequestTimeTooSkewed`). */
const refusedMs = 5 * 60_000;
const advice =
  'Have the clock kept right: chronyc tracking shows whether it is; on EC2 the time is at 169.254.169.123 (Amazon Time Sync).';

/** Compares the clock of this machine with the dates of AWS's answers. */
export function checkClock(offsets: readonly ClockOffset[]): Finding {
  const worst = [...offsets].sort((a, b) => Math.abs(b.offsetMs) - Math.abs(a.offsetMs))[0];
  if (worst === undefined) return findings.notChecked(check, 'AWS has not answered');
  const { service, offsetMs } = worst;
  const far = Math.abs(offsetMs);
  const how = `${formatDuration(far)} ${offsetMs > 0 ? 'ahead of' : 'behind'} that of ${service}`;
  if (far > refusedMs) {
    return findings.failed(
      check,
      `The clock of this machine is ${how}; AWS refuses signatures from 5 minutes on.`,
      advice,
    );
  }
  if (far > suspiciousMs) {
    return findings.warning(
      check,
      `The clock of this machine is ${how}; from 5 minutes on AWS refuses signatures.`,
      advice,
    );
  }
  const services = offsets.map((one) => one.service).join(' and ');
  return findings.ok(check, `The clock of this machine agrees with that of ${services}, to a second or two.`);
}
