import type { AppError } from '../../core/index.js';
import { readConfigFiles, usualConfigFiles } from './config-file.js';
import { readEnvironment, type Environment } from './environment.js';
import { asGiven, example, usage, type Given, type Origin } from './given.js';
import { optionNamed, type OptionName } from './option-table.js';
import { flagOf } from './option.js';

/** What all sources together say about the options; each value is checked when it is asked for. */
export interface OptionValues {
  isOn(name: OptionName): boolean;
  /** The text of a text or choice, the default where there is one. Throws `usage` for an empty text and a wrong choice. */
  text(name: OptionName): string | undefined;
  /** Throws `usage` for what is not a whole number in the option's range, or up to `highest`, if that is lower. */
  integer(name: OptionName, highest?: number): number;
  /** Throws `usage` for what is no decimal number in the option's range. */
  number(name: OptionName): number;
  list(name: OptionName): readonly string[];
  /** Where it was said; `default` where nobody said it. */
  origin(name: OptionName): Origin;
  /** The error about the value of an option, which names it as it was given: `--tag "" cannot be a tag.` */
  refusal(name: OptionName, why: string, hint: string): AppError;
  /** Sentences to warn the user with. */
  readonly warnings: readonly string[];
}

/**
 * Joins what the command line, the variables and the configuration files say, in this order of precedence. Throws
 * `usage`, naming variable or file.
 */
export function readOptions(flags: ReadonlyMap<OptionName, Given['value']>, environment: Environment): OptionValues {
  const variables = readEnvironment(environment);
  const typed = new Map(
    [...flags].map(([name, value]): [OptionName, Given] => [name, { value, origin: { kind: 'flag' } }]),
  );
  const named = (typed.get('config') ?? variables.given.get('config'))?.value;
  const files = readConfigFiles(typeof named === 'string' ? { named } : { usual: usualConfigFiles(environment) });
  return optionValues(new Map([...files, ...variables.given, ...typed]), variables.warnings);
}

function optionValues(given: ReadonlyMap<OptionName, Given>, warnings: readonly string[]): OptionValues {
  const get = (name: OptionName): Given | undefined => {
    const found = given.get(name);
    if (found !== undefined) return found;
    const { fallback } = optionNamed(name);
    return fallback === undefined ? undefined : { value: fallback, origin: { kind: 'default' } };
  };
  const origin = (name: OptionName): Origin => get(name)?.origin ?? { kind: 'default' };
  const refusal = (name: OptionName, why: string, hint: string): AppError => {
    const found = get(name);
    const { value } = optionNamed(name);
    const shown = found?.origin.kind === 'file' && value.kind === 'integer' ? Number(found.value) : found?.value;
    return usage(found === undefined ? `${flagOf(name)} ${why}` : `${asGiven(name, shown, found.origin)} ${why}`, hint);
  };
  const forExample = (name: OptionName, right: string): string =>
    `For example: ${example(name, optionNamed(name).value.kind, right, origin(name))}`;
  return {
    warnings,
    origin,
    refusal,
    isOn: (name) => get(name)?.value === true,
    text: (name) => {
      const found = get(name)?.value;
      const { value } = optionNamed(name);
      if (found === true && value.kind === 'choice') return value.whenBare;
      if (typeof found !== 'string') return undefined;
      if (value.kind === 'choice') {
        const chosen = value.choices.find((choice) => choice.toLowerCase() === found.toLowerCase());
        if (chosen !== undefined) return chosen;
        const why = `is not one of: ${value.choices.join(', ')}.`;
        throw refusal(name, why, forExample(name, value.choices[0] ?? ''));
      }
      if (found === '') throw refusal(name, 'is empty.', 'Give a value, or leave it out.');
      return found;
    },
    integer: (name, highest) => {
      const text = String(get(name)?.value ?? '');
      const { value } = optionNamed(name);
      if (value.kind !== 'integer') throw new TypeError(`${name} is no number`);
      const most = Math.min(value.highest, highest ?? value.highest);
      const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= value.lowest && number <= most) return number;
      const why = `is not a whole number from ${value.lowest} to ${most}.`;
      throw refusal(name, why, forExample(name, String(value.lowest)));
    },
    number: (name) => {
      const text = String(get(name)?.value ?? '');
      const { value } = optionNamed(name);
      if (value.kind !== 'number') throw new TypeError(`${name} is no number`);
      const number = /^\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
      if (number >= value.lowest && number <= value.highest) return number;
      const why = `is not a number from ${value.lowest} to ${value.highest}.`;
      throw refusal(name, why, forExample(name, String(value.lowest)));
    },
    list: (name) => {
      const found = get(name)?.value;
      if (!Array.isArray(found)) return [];
      const items = found as readonly string[];
      if (items.includes('')) throw refusal(name, 'has an empty value.', 'Give a value, or leave it out.');
      return [...new Set(items)];
    },
  };
}
