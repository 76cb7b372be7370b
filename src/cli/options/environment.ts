import type { Given } from './given.js';
import { usage } from './given.js';
import { allOptions, type OptionName } from './option-table.js';
import { flagOf, variableOf, variablePrefix, type OptionValue } from './option.js';
import { nearest } from './nearest.js';

/** Variables of the process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the variables say. */
export interface FromEnvironment {
  readonly given: ReadonlyMap<OptionName, Given>;
  /** Sentences about variables that look like ours and are not. */
  readonly warnings: readonly string[];
}

/** Shows the stack of a defect; no option. */
const debugVariable = `${variablePrefix}DEBUG`;

/**
 * Reads the `SNAP_TO_S3_*` variables. An empty one counts as not set. Throws `usage` for one that must be typed
 * (`SNAP_TO_S3_ALL`), and for a switch that is neither on nor off.
 */
export function readEnvironment(environment: Environment): FromEnvironment {
  const given = new Map<OptionName, Given>();
  const known = new Set([debugVariable]);
  for (const [name, { value, source }] of allOptions) {
    const variable = variableOf(name);
    known.add(variable);
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    if (source === 'command-line') throw mustBeTyped(variable, name);
    given.set(name, { value: parse(variable, value, text), origin: { kind: 'variable' } });
  }
  if ((environment[migrateVariable] ?? '') !== '') throw mustBeTyped(migrateVariable, 'migrate');
  const unknown = Object.keys(environment).filter((key) => key.startsWith(variablePrefix) && !known.has(key));
  return {
    given,
    warnings: unknown.filter((key) => key !== migrateVariable).map((key) => unknownVariable(key, known)),
  };
}

const migrateVariable = variableOf('migrate');

function mustBeTyped(variable: string, name: string) {
  return usage(
    `The variable ${variable} is set, but what is to be migrated must be typed each time.`,
    `Unset ${variable}, and give ${flagOf(name)} on the command line. A forgotten variable could start far too much.`,
  );
}

function unknownVariable(variable: string, known: ReadonlySet<string>): string {
  const similar = nearest(variable, [...known]);
  const meant = similar === undefined ? '' : ` Did you mean ${similar}?`;
  return `The variable ${variable} is none that snap-to-s3 knows; it has no effect.${meant}`;
}

function parse(variable: string, value: OptionValue, text: string): Given['value'] {
  switch (value.kind) {
    case 'switch':
      if (/^(?:1|true)$/i.test(text)) return true;
      if (/^(?:0|false)$/i.test(text)) return false;
      throw usage(
        `${variable} ${JSON.stringify(text)} is neither on nor off.`,
        `Give 1 or true, or 0 or false: ${variable}=1`,
      );
    case 'list':
      return text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '');
    case 'text':
    case 'choice':
    case 'integer':
    case 'number':
      return text;
  }
}
