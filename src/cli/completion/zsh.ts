import { flagOf, type OptionEntry } from '../options/index.js';
import type { CompletedCommand } from './completed-command.js';

/** A script for zsh; works sourced, and as a file `_snap-to-s3` in a folder of `fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const specs = (command: CompletedCommand): readonly string[] => [
    ...command.options.map(([name, entry]) => spec(name, entry)),
    quote('--help[show this page]'),
  ];
  const cases = commands.map((command) => {
    const words = command.arguments.length === 0 ? [] : [quote(`1:word:(${command.arguments.join(' ')})`)];
    return `    ${command.name}) _arguments ${[...specs(command), ...words].join(' ')} ;;`;
  });
  const root = commands.find(({ name }) => name === 'migrate');
  return `#compdef snap-to-s3
# Completion of snap-to-s3 for zsh: source <(snap-to-s3 completion zsh)
_snap_to_s3() {
  local curcontext="$curcontext" state line
  local -a commands=(${commands.map(({ name, summary }) => quote(`${name}:${summary}`)).join(' ')})
  if (( CURRENT == 2 )) && [[ "$words[2]" != -* ]]; then
    _describe command commands
    return
  fi
  local command="$words[2]"
  [[ "$command" != -* ]] && { shift words; (( CURRENT-- )) }
  case "$command" in
${cases.join('\n')}
    *) _arguments ${quote('--migrate[the same as the command migrate]')} ${(root === undefined ? [] : specs(root)).join(' ')} ;;
  esac
}
if [[ "$funcstack[1]" == _snap_to_s3 || "$funcstack[1]" == _snap-to-s3 ]]; then
  _snap_to_s3 "$@"
else
  compdef _snap_to_s3 snap-to-s3
fi
`;
}

/** `'--sse=[server-side encryption]:mode:(AES256 aws\\:kms)'`; several times where it may be given several times. */
function spec(name: string, { description, value }: OptionEntry): string {
  const flag = `${value.kind === 'list' ? '*' : ''}${flagOf(name)}`;
  const said = description.replaceAll(/[[\]:]/g, String.raw`\$&`);
  if (value.kind === 'switch') return quote(`${flag}[${said}]`);
  return quote(`${flag}=[${said}]:${value.placeholder}:${action(value)}`);
}

function action(value: OptionEntry['value']): string {
  if (value.kind === 'choice') return `(${value.choices.map((one) => one.replaceAll(':', String.raw`\:`)).join(' ')})`;
  if (value.kind !== 'text' || value.completes === undefined) return ' ';
  return value.completes === 'directories' ? '_files -/' : '_files';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
