import type { Command } from 'commander';
import { optionsOf, usage, type CommandName } from '../options/index.js';
import { bashScript } from './bash.js';
import type { CompletedCommand } from './completed-command.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** The shells that there is a completion script for. */
export const shells = Object.keys(scripts) as readonly (keyof typeof scripts)[];

/** The completion script for a shell, made of the table of options. Throws `usage` for another shell. */
export function completionScript(shell: string, commands: readonly Command[]): string {
  const known = shells.find((one) => one === shell);
  if (known === undefined) {
    throw usage(
      shell === '' ? 'No shell is named.' : `There is no completion for the shell ${JSON.stringify(shell)}.`,
      `Give one of: ${shells.join(', ')}. For example: source <(snap-to-s3 completion bash)`,
    );
  }
  return scripts[known](
    commands.map((command): CompletedCommand => {
      const name = command.name();
      return {
        name,
        summary: command.summary(),
        options: optionsOf(name as CommandName),
        arguments: name === 'completion' ? shells : name === 'sandbox' ? ['start', 'seed', 'faults'] : [],
      };
    }),
  );
}
