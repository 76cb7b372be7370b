import type { CommandOptions, LocalAws } from './local-aws.js';

/** A finding of `doctor --json`. */
export interface Diagnosed {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'failed' | 'unknown';
  readonly text: string;
  readonly advice?: string;
}

/** What `doctor` found. */
export interface Diagnosis {
  readonly exitStatus: number | null;
  readonly findings: readonly Diagnosed[];
  readonly stderr: string;
  /** The names of the checks with this status. */
  with(status: Diagnosed['status']): readonly string[];
  /** One finding. Throws where there is none of this name, or more than one. */
  of(check: string): Diagnosed;
}

/** Runs `snap-to-s3 doctor --json`. */
export async function diagnosis(
  aws: LocalAws,
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<Diagnosis> {
  const { status, stdout, stderr } = await aws.command(['doctor', ...argv, '--json'], options);
  const records = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Diagnosed & { readonly kind: string });
  const findings = records.filter(({ kind }) => kind === 'finding');
  return {
    exitStatus: status,
    findings,
    stderr,
    with: (wanted) => findings.filter((finding) => finding.status === wanted).map(({ check }) => check),
    of: (check) => {
      const [found, ...others] = findings.filter((finding) => finding.check === check);
      if (found === undefined || others.length > 0) throw new Error(`${check} is not there once:\n${stdout}${stderr}`);
      return found;
    },
  };
}
