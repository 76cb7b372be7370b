import { tmpdir } from 'node:os';

// A new namespace begins with a copy of every mount there is; what is unmounted outside lives on in it.
const letGo = `
while read -r _ _ _ _ place _; do
  case $place in "$1") ;; "$0"/*) umount --lazy "$place" ;; esac
done </proc/self/mountinfo 2>/dev/null
exec "\${@:2}"`;

/** `argv` in a mount namespace of its own, which of all that tests have mounted holds on to one place at most. */
export function inOwnNamespace(
  argv: readonly string[],
  { unshareOptions = [], keeping = '' }: { unshareOptions?: readonly string[]; keeping?: string } = {},
): readonly string[] {
  return ['unshare', '--mount', ...unshareOptions, 'bash', '-c', letGo, tmpdir(), keeping, ...argv];
}
