/** The commands that have options of this table. */
export type CommandName =
  | 'migrate'
  | 'validate'
  | 'restore'
  | 'list'
  | 'inspect'
  | 'ls'
  | 'find'
  | 'diff'
  | 'analyze'
  | 'estimate'
  | 'prices'
  | 'doctor'
  | 'cleanup';

/** What may be given for an option. */
export type OptionValue =
  | { readonly kind: 'switch' }
  | { readonly kind: 'text'; readonly placeholder: string; readonly completes?: 'files' | 'directories' }
  /** Upper and lower case are the same; the spelling here is the one that is used. */
  | {
      readonly kind: 'choice';
      readonly placeholder: string;
      readonly choices: readonly string[];
      /** What it is where the flag stands alone; without it a value must follow. */
      readonly whenBare?: string;
    }
  | { readonly kind: 'integer'; readonly placeholder: string; readonly lowest: number; readonly highest: number }
  /** Any decimal number; `lowest` and `highest` themselves are allowed. */
  | { readonly kind: 'number'; readonly placeholder: string; readonly lowest: number; readonly highest: number }
  /** May be given several times; `variadic`: also several values after one flag. */
  | { readonly kind: 'list'; readonly placeholder: string; readonly variadic: boolean };

/**
 * From where an option may come. What selects snapshots, or starts a migration, must be typed: a forgotten variable or
 * file must not be able to set off the work on a whole account.
 */
export type OptionSource = 'anywhere' | 'not-the-file' | 'command-line';

/** One option, as flag, variable, key of the configuration file, line of the help, and word of the completion. */
export interface OptionEntry {
  readonly commands: readonly CommandName[];
  /** The heading of the help below which it stands. */
  readonly group: string;
  readonly value: OptionValue;
  readonly description: string;
  /** What it is where nobody says anything, as text. */
  readonly fallback?: string;
  /** `anywhere` unless told otherwise. */
  readonly source?: OptionSource;
  /** How the help of single commands shows it, for which it means something else, or which take another default. */
  readonly shownAs?: Partial<Record<CommandName, Pick<OptionEntry, 'group' | 'value' | 'description' | 'fallback'>>>;
}

/** `compression-level` -> `--compression-level`. */
export function flagOf(name: string): string {
  return `--${name}`;
}

/** `compression-level` -> `SNAP_TO_S3_COMPRESSION_LEVEL`. */
export function variableOf(name: string): string {
  return `${variablePrefix}${name.toUpperCase().replaceAll('-', '_')}`;
}

/** What all variables of this tool begin with. */
export const variablePrefix = 'SNAP_TO_S3_';

/** `--compression <name>`, as the help shows it and commander reads it. */
export function flagWithValue(name: string, value: OptionValue): string {
  switch (value.kind) {
    case 'switch':
      return flagOf(name);
    case 'choice':
      if (value.whenBare !== undefined) return `${flagOf(name)} [${value.placeholder}]`;
      return `${flagOf(name)} <${value.placeholder}>`;
    case 'text':
    case 'integer':
    case 'number':
      return `${flagOf(name)} <${value.placeholder}>`;
    case 'list':
      return `${flagOf(name)} <${value.placeholder}${value.variadic ? '...' : ''}>`;
  }
}
