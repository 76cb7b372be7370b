import { usage, type OptionValues } from './options/index.js';

/** How much the user is told. The log file gets everything. */
export type Detail = 'quiet' | 'normal' | 'verbose';

/** How a command tells what happens. */
export interface Telling {
  readonly detail: Detail;
  /** NDJSON instead of text for people. */
  readonly json: boolean;
  readonly logFile: string | undefined;
  /** What is to be said before the work begins. */
  readonly warnings: readonly string[];
}

/** Reads `--quiet`, `--verbose`, `--json` and `--log-file`. Throws `usage` where the first two are given in one place. */
export function readTelling(values: OptionValues): Telling {
  return {
    detail: readDetail(values),
    json: values.isOn('json'),
    logFile: values.text('log-file'),
    warnings: values.warnings,
  };
}

/** The stronger first. */
const precedence = ['flag', 'variable', 'file', 'default'] as const;

function readDetail(values: OptionValues): Detail {
  const asked = (['quiet', 'verbose'] as const).filter((name) => values.isOn(name));
  const [first, second] = asked
    .map((name) => ({ name, rank: precedence.indexOf(values.origin(name).kind) }))
    .sort((a, b) => a.rank - b.rank);
  if (first === undefined) return 'normal';
  // One in a file is a habit, from which the command line may depart; two side by side are a mistake.
  if (second !== undefined && second.rank === first.rank) {
    throw usage('--quiet and --verbose exclude each other.', 'Give one of them, or neither.');
  }
  return first.name;
}
