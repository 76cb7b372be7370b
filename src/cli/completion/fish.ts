import type { OptionEntry } from '../options/index.js';
import type { CompletedCommand } from './completed-command.js';

/** A script for fish: `snap-to-s3 completion fish | source`. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const none = `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    '# Completion of snap-to-s3 for fish: snap-to-s3 completion fish | source',
    'complete -c snap-to-s3 -f',
    ...commands.map(({ name, summary }) => complete(none, `-a ${name} -d ${quote(summary)}`)),
    complete(none, `-l migrate -d ${quote('the same as the command migrate')}`),
    complete(none, `-l version -d ${quote('show the version')}`),
    `complete -c snap-to-s3 -l help -d ${quote('show this page')}`,
  ];
  for (const { name, options, arguments: words } of commands) {
    const seen = `__fish_seen_subcommand_from ${name}`;
    if (words.length > 0) lines.push(complete(seen, `-a ${quote(words.join(' '))}`));
    for (const [option, entry] of options) {
      lines.push(complete(name === 'migrate' ? `${seen}; or ${none}` : seen, optionOf(option, entry)));
    }
  }
  return `${lines.join('\n')}\n`;
}

function complete(condition: string, what: string): string {
  return `complete -c snap-to-s3 -n ${quote(condition)} ${what}`;
}

function optionOf(name: string, { description, value }: OptionEntry): string {
  const said = `-l ${name} -d ${quote(description)}`;
  if (value.kind === 'switch') return said;
  if (value.kind === 'choice') return `${said} -x -a ${quote(value.choices.join(' '))}`;
  if (value.kind !== 'text' || value.completes === undefined) return `${said} -x`;
  return value.completes === 'directories' ? `${said} -x -a '(__fish_complete_directories)'` : `${said} -r -F`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
