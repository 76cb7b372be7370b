import { Option, type Command, type CommanderError } from 'commander';
import type { AppError } from '../../core/index.js';
import { usage, type Given } from './given.js';
import { nearest } from './nearest.js';
import { findOption, optionsOf, type OptionName } from './option-table.js';
import { flagOf, flagWithValue, type CommandName, type OptionEntry } from './option.js';

/** Adds the options of a command to what commander reads and shows as help. */
export function addOptions(command: Command, name: CommandName): Command {
  for (const [option, general] of optionsOf(name)) {
    const entry: OptionEntry = { ...general, ...general.shownAs?.[name] };
    const added = new Option(flagWithValue(option, entry.value), describe(entry)).helpGroup(entry.group);
    // Several values are collected here, because commander would forget which were empty.
    if (entry.value.kind === 'list')
      added.argParser((one, before: readonly string[] | undefined) => [...(before ?? []), one]);
    command.addOption(added);
  }
  return command;
}

function describe({ description, value, fallback }: OptionEntry): string {
  const notes = [
    ...(value.kind === 'choice' ? [value.choices.join(', ')] : []),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

/** What commander has read, by the names of the table. */
export function typedOptions(
  commanderOptions: Readonly<Record<string, unknown>>,
): ReadonlyMap<OptionName, Given['value']> {
  return new Map(
    Object.entries(commanderOptions).flatMap(([key, value]) => {
      const found = findOption(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
      if (found === undefined) return [];
      // By hand: a library that checks takes longer to load than most commands.
      if (!isValue(value)) throw new TypeError(`--${found[0]} was read as ${typeof value}.`);
      return [[found[0], value] as const];
    }),
  );
}

function isValue(value: unknown): value is Given['value'] {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string');
  return typeof value === 'boolean' || typeof value === 'string';
}

/**
 * Finds what commander would take without a word: a flag that swallows the next one as its value, a value given twice,
 * a switch with a value. Throws `usage`.
 */
export function requireSound(argv: readonly string[]): void {
  const seen = new Set<OptionName>();
  for (const [index, word] of argv.entries()) {
    if (word === '--') return;
    const [flag = '', ...afterEqualsSign] = word.split('=');
    const found = flag.startsWith('--') ? findOption(flag.slice(2)) : undefined;
    if (found === undefined) continue;
    const [name, { value }] = found;
    if (value.kind === 'switch') {
      if (afterEqualsSign.length === 0) continue;
      throw usage(
        `${flag} takes no value, but was given ${JSON.stringify(afterEqualsSign.join('='))}.`,
        `Write ${flag} alone to switch it on, and leave it out to leave it off.`,
      );
    }
    if (value.kind !== 'list' && seen.has(name)) {
      throw usage(`${flag} is given twice.`, 'Which one is meant nobody can say: give it once.');
    }
    seen.add(name);
    const given = afterEqualsSign.length > 0 ? afterEqualsSign.join('=') : argv[index + 1];
    if (given === '') throw usage(`${flag} is empty.`, `Give a value, or leave ${flag} out.`);
    if (afterEqualsSign.length > 0) continue;
    const isBare = given === undefined || given.startsWith('-');
    if (isBare && value.kind === 'choice' && value.whenBare !== undefined) continue;
    if (given === undefined) throw usage(`${flag} needs a value.`, `For example: ${flag} ${forExample(found[1])}`);
    if (given.startsWith('-')) {
      throw usage(
        `${flag} needs a value, but ${JSON.stringify(given)} follows it.`,
        `Give a value: ${flag} ${forExample(found[1])}. One that begins with a dash is written ${flag}=-…`,
      );
    }
  }
}

function forExample({ value, fallback }: OptionEntry): string {
  if (fallback !== undefined) return fallback;
  if (value.kind === 'choice') return value.choices[0] ?? '';
  return value.kind === 'switch' ? '' : `<${'placeholder' in value ? value.placeholder : ''}>`;
}

/** An error of commander, said in our words. `command` is what was being read: `migrate`, or empty for none. */
export function inOurWords(error: CommanderError, command: string, known: readonly string[]): AppError {
  const program = ['snap-to-s3', command].filter((word) => word !== '').join(' ');
  const help = `Run ${program} --help to see all options.`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = quoted.split('=')[0] ?? '';
      const similar = nearest(flag.replace(/^-+/, ''), known);
      const meant = similar === undefined ? '' : `Did you mean ${flagOf(similar)}? `;
      return usage(`${JSON.stringify(quoted)} is not an option of ${program}.`, `${meant}${help}`);
    }
    case 'commander.excessArguments':
      return usage(`${program} takes options only, but there is something else among them.`, help);
    default:
      return usage(error.message.replace(/^error: /, '').replace(/\.?$/, '.'), help);
  }
}
