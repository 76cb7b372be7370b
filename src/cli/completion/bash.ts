import { flagOf } from '../options/index.js';
import type { CompletedCommand } from './completed-command.js';

/**
 * A script for bash; needs nothing of the package bash-completion. Words are taken from the line itself: bash cuts them at
 * `=` and `:`, which our values contain.
 */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const migrate = commands.filter(({ name }) => name === 'migrate');
  const options = (command: CompletedCommand): string =>
    [...command.options.map(([name]) => flagOf(name)), '--help'].join(' ');
  const words = commands
    .map((command) => `    ${command.name}) words='${[...command.arguments, options(command)].join(' ')}' ;;`)
    .join('\n');
  return `# Completion of snap-to-s3 for bash: source <(snap-to-s3 completion bash)
_snap_to_s3() {
  local line="\${COMP_LINE:0:COMP_POINT}" command= current previous words= typed
  read -ra typed <<< "$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  current="\${typed[\${#typed[@]} - 1]}"
  previous="\${typed[\${#typed[@]} - 2]}"
  for words in "\${typed[@]:1:\${#typed[@]} - 2}"; do
    case "$words" in ${commands.map(({ name }) => name).join('|')}) command="$words"; break ;; esac
  done
  words=
  if [[ $current == --*=* ]]; then
    previous="\${current%%=*}"
    current="\${current#*=}"
  fi
  COMPREPLY=()
  case "$previous" in
${valueCases(migrate)}
    *)
      case "$command" in
${words.replaceAll(/^/gm, '    ')}
        *) words='${[...commands.map(({ name }) => name), 'help', '--migrate', '--version', ...migrate.map(options)].join(' ')}' ;;
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  # Bash puts the answer in place of what follows the last colon only.
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("\${COMPREPLY[@]#"\${current%:*}:"}")
  return 0
}
complete -F _snap_to_s3 snap-to-s3
`;
}

function valueCases(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ options }) =>
    options.flatMap(([name, { value }]) => {
      const flag = flagOf(name);
      if (value.kind === 'switch') return [];
      if (value.kind === 'choice') return [`    ${flag}) words='${value.choices.join(' ')}' ;;`];
      const files = value.kind === 'text' ? value.completes : undefined;
      if (files === undefined) return [`    ${flag}) return 0 ;;`];
      const kind = files === 'directories' ? '-d' : '-f';
      return [`    ${flag}) mapfile -t COMPREPLY < <(compgen ${kind} -- "$current"); return 0 ;;`];
    }),
  );
  return lines.join('\n');
}
