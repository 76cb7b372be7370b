import { doctor, type DoctorRequest, type Finding, type FindingGroup, type FindingStatus } from '../commands/index.js';
import { composeDoctor } from './compose-doctor.js';
import { exitStatus } from './exit-status.js';
import { readBucket, type OptionValues } from './options/index.js';
import { ndjsonLine } from './render/ndjson.js';
import { findingText, groupHeading, verdict, type FindingStyle } from './render/findings.js';
import type { Output } from './render/index.js';
import { processSignals } from './signals.js';
import { readTag } from './validate-options.js';

/** `snap-to-s3 doctor`: tells each finding as it comes. Returns the exit status: 1 where anything failed. */
export async function runDoctor(values: OptionValues, { stdout, stderr }: Output): Promise<number> {
  const json = values.isOn('json');
  const request = readDoctorRequest(values);
  for (const text of values.warnings) stderr.write(`Warning: ${text}\n`);
  using signals = processSignals((sentence) => void stderr.write(`${sentence}\n`));
  const write = (line: string): void => void stdout.write(`${line}\n`);
  const tell = json ? (finding: Finding) => void stdout.write(ndjsonLine(finding)) : textTeller(write, styleOf(stdout));
  const counts: Record<FindingStatus, number> = { ok: 0, warning: 0, failed: 0, unknown: 0 };
  try {
    for await (const finding of doctor(request, composeDoctor({ bucket: request.bucket, signal: signals.signal }))) {
      counts[finding.status] += 1;
      tell(finding);
    }
  } catch (error) {
    if (!signals.signal.aborted) throw error;
    stderr.write('Interrupted.\n');
    return exitStatus.interrupted;
  }
  stdout.write(json ? ndjsonLine({ kind: 'diagnosed', ...counts }) : `\n${verdict(counts)}\n`);
  return counts.failed === 0 ? exitStatus.done : exitStatus.failed;
}

function readDoctorRequest(values: OptionValues): DoctorRequest {
  return {
    bucket: values.text('bucket') === undefined ? undefined : readBucket(values),
    tag: readTag(values),
    mountPoint: values.text('mount-point') ?? '/mnt',
    recipients: values.list('gpg-recipient'),
  };
}

function textTeller(write: (line: string) => void, style: FindingStyle): (finding: Finding) => void {
  let group: FindingGroup | undefined;
  return (finding) => {
    if (finding.group !== group) write(`${group === undefined ? '' : '\n'}${groupHeading(finding.group)}`);
    group = finding.group;
    write(findingText(finding, style));
  };
}

const defaultColumns = 80;

function styleOf(stdout: Output['stdout']): FindingStyle {
  const { NO_COLOR, TERM } = process.env;
  return {
    colour: stdout.isTTY && TERM !== 'dumb' && (NO_COLOR === undefined || NO_COLOR === ''),
    // For people there is an upper bound: long lines are hard to read.
    columns: Math.min((stdout.isTTY ? stdout.columns : undefined) ?? defaultColumns, 100),
  };
}
