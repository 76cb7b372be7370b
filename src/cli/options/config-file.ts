import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/index.js';
import type { Environment } from './environment.js';
import { usage, type Given } from './given.js';
import { nearest } from './nearest.js';
import { allOptions, findOption, type OptionName } from './option-table.js';
import { flagOf, type OptionValue } from './option.js';

/** The file for all users of a machine. */
const systemFile = '/etc/snap-to-s3.json';

/** The files that are read where none is named; of two that say something, the later one counts. */
export function usualConfigFiles(environment: Environment, system = systemFile): readonly string[] {
  const { XDG_CONFIG_HOME, HOME } = environment;
  // The XDG specification: a path that is not absolute is to be ignored.
  const home = XDG_CONFIG_HOME?.startsWith('/') === true ? XDG_CONFIG_HOME : HOME && join(HOME, '.config');
  return [system, ...(home === undefined || home === '' ? [] : [join(home, 'snap-to-s3', 'config.json')])];
}

/**
 * Reads configuration files: JSON with the long names of options as keys. Of `usual` ones some may be missing; a `named`
 * one may not. Throws `usage` with file, key, and what is allowed.
 */
export function readConfigFiles(
  files: { readonly named: string } | { readonly usual: readonly string[] },
): ReadonlyMap<OptionName, Given> {
  if ('named' in files) return readConfigFile(files.named, contentsOf(files.named));
  const given = new Map<OptionName, Given>();
  for (const path of files.usual) {
    const text = contentsOf(path, 'may-be-missing');
    if (text !== undefined) for (const [name, one] of readConfigFile(path, text)) given.set(name, one);
  }
  return given;
}

function contentsOf(path: string): string;
function contentsOf(path: string, missing: 'may-be-missing'): string | undefined;
function contentsOf(path: string, missing?: 'may-be-missing'): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (missing !== undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw usage(
      `The configuration file ${path} cannot be read: ${messageOf(error)}.`,
      'Name another one with --config, or make it readable.',
    );
  }
}

function readConfigFile(path: string, text: string): ReadonlyMap<OptionName, Given> {
  const form = 'It must be one JSON object with names of options as keys: {"bucket": "backups.example.com"}';
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw usage(`The configuration file ${path} is not JSON: ${messageOf(error)}.`, form);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw usage(`The configuration file ${path} does not hold a JSON object.`, form);
  }
  const origin = { kind: 'file', path } as const;
  return new Map(
    Object.entries(json).map(([key, value]): [OptionName, Given] => {
      const name = requireKey(path, key);
      return [name[0], { value: requireType(path, key, name[1], value), origin }];
    }),
  );
}

const configurable = allOptions.filter(([, { source }]) => source === undefined).map(([name]) => name);

function requireKey(path: string, key: string): readonly [OptionName, OptionValue] {
  const where = `${JSON.stringify(key)} in ${path}`;
  const found = findOption(key);
  if (key === 'migrate' || found?.[1].source === 'command-line') {
    throw usage(
      `${where} is refused: what is to be migrated must be typed each time.`,
      `Take it out of the file, and give ${flagOf(key)} on the command line. A forgotten line could start far too much.`,
    );
  }
  if (found === undefined || found[1].source !== undefined) {
    const similar = nearest(key, configurable);
    throw usage(
      `${where} is no option that can stand there.`,
      `${similar === undefined ? '' : `Did you mean "${similar}"? `}The keys are: ${configurable.join(', ')}.`,
    );
  }
  return [found[0], found[1].value];
}

function requireType(path: string, key: string, value: OptionValue, given: unknown): Given['value'] {
  const wrong = (type: string, like: string): Error =>
    usage(
      `${JSON.stringify(key)}: ${JSON.stringify(given)} in ${path} is not ${type}.`,
      `For example: ${JSON.stringify(key)}: ${like}`,
    );
  switch (value.kind) {
    case 'switch':
      if (typeof given === 'boolean') return given;
      throw wrong('true or false', 'true');
    case 'integer':
      if (typeof given === 'number') return String(given);
      throw wrong(`a whole number from ${value.lowest} to ${value.highest}`, String(value.lowest));
    case 'number':
      if (typeof given === 'number') return String(given);
      throw wrong(`a number from ${value.lowest} to ${value.highest}`, String(value.lowest));
    case 'list':
      if (Array.isArray(given) && given.every((one): one is string => typeof one === 'string')) return given;
      throw wrong('a list of texts', '["one", "another"]');
    case 'choice':
      if (typeof given === 'string') return given;
      throw wrong(`one of: ${value.choices.join(', ')}`, JSON.stringify(value.choices[0]));
    case 'text':
      if (typeof given === 'string') return given;
      throw wrong('a text', '"…"');
  }
}
