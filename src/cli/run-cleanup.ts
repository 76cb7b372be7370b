import { cleanup, type CleanupFinding } from '../commands/index.js';
import { count, printable } from '../core/index.js';
import { composeMigrate } from './compose.js';
import { exitStatus } from './exit-status.js';
import { readBucket, type OptionValues } from './options/index.js';
import { tellPrograms } from './programs-run.js';
import type { Output } from './render/index.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';
import { readTelling } from './telling.js';
import { readTag } from './validate-options.js';

/** How long a lease taken for the cleaning lasts without renewal. */
const leaseMs = 120_000;

/** `snap-to-s3 cleanup`: tells what runs that died have left, and removes it. Returns the exit status. */
export async function runCleanup(values: OptionValues, output: Output): Promise<number> {
  const [bucket, tag, dryRun] = [readBucket(values), readTag(values), values.isOn('dry-run')];
  using report = await openReport(output, readTelling(values));
  using signals = processSignals((sentence) => report.say(sentence));
  using _programs = tellPrograms((event) => report.event(event));
  using dependencies = await composeMigrate({
    bucket,
    needsRoot: !dryRun,
    events: (event) => report.event(event),
    signal: signals.signal,
  });
  const { findings, freed } = await cleanup({ tag, leaseMs, dryRun }, dependencies);
  for (const finding of findings) report.finding(finding, printable(sentenceOf(finding)));
  const abandoned = findings.filter(({ kind }) => kind === 'abandoned').length;
  const result = { kind: 'cleaned-up', abandoned, freed: freed.length, dryRun };
  report.result(result, summary(result));
  return dryRun || freed.length >= abandoned ? exitStatus.done : exitStatus.failed;
}

function sentenceOf(finding: CleanupFinding): string {
  switch (finding.kind) {
    case 'running':
      return `${finding.snapshotId}: A run on ${finding.owner} is at work, seen last at ${finding.renewedAt}. It is left alone.`;
    case 'abandoned': {
      const left = finding.left.length === 0 ? 'nothing but its lease' : finding.left.join('; ');
      return `${finding.snapshotId}: A run on ${finding.owner} ended and left ${left}.`;
    }
    case 'unreadable':
      return `${finding.key}: ${finding.why} It is left alone.`;
    case 'unclaimed-volume':
      return (
        `${finding.volumeId}: This volume (${finding.state}) bears our tag, but no run's journal names it. It is left ` +
        `alone; if nobody needs it: aws ec2 delete-volume --volume-id ${finding.volumeId}`
      );
  }
}

function summary(result: { readonly abandoned: number; readonly freed: number; readonly dryRun: boolean }): string {
  if (result.abandoned === 0) return 'There is nothing to clean up.';
  const found = `${count(result.abandoned, 'snapshot')} with something left by a dead run`;
  if (result.dryRun) return `${found}. Nothing was changed; run it without --dry-run to remove it.`;
  return result.freed >= result.abandoned
    ? `${found}; all of it is removed.`
    : `${found}; of ${result.freed} everything is removed, the rest is in the warnings above.`;
}
