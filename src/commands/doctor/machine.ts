import { checkRecipients, findGpg } from '../../codec/index.js';
import { toAppError } from '../../core/index.js';
import { checkFilesystems } from './filesystems.js';
import { findingsOf, type Finding } from './finding.js';
import { checkMountPoint, checkTemporaryDirectory } from './folders.js';
import { checkPrograms, isOlder } from './programs.js';

/** What is known of this process and machine. */
export interface MachineFacts {
  /** `20.19.0` */
  readonly nodeVersion: string;
  readonly isRoot: boolean;
  readonly temporaryDirectory: string;
  /** The directory of gpg's keyring; undefined: gpg's default. */
  readonly gnupgHome: string | undefined;
}

/** What of a machine is looked at. */
export interface MachineRequest {
  /** Where partitions would be mounted. */
  readonly mountPoint: string;
  /** Whose gpg keys archives are to be encrypted for. */
  readonly recipients: readonly string[];
}

const findings = findingsOf('machine');
/** `engines` of package.json. */
const leastNode = '20.19';

/** Looks at this machine: Node, root, programs, filesystems, directories. */
export async function* checkMachine(
  { mountPoint, recipients }: MachineRequest,
  { machine, signal }: { readonly machine: MachineFacts; readonly signal: AbortSignal },
): AsyncGenerator<Finding> {
  yield checkNode(machine);
  yield checkRoot(machine);
  yield* checkPrograms({ withGpg: recipients.length > 0, signal });
  for (const recipient of recipients) yield await checkRecipient(recipient, { machine, signal });
  yield await checkFilesystems(signal);
  yield await checkTemporaryDirectory(machine.temporaryDirectory);
  yield machine.isRoot
    ? await checkMountPoint(mountPoint)
    : findings.notChecked('mount-point', 'this does not run as root');
}

function checkNode({ nodeVersion }: MachineFacts): Finding {
  return isOlder(nodeVersion, leastNode)
    ? findings.failed(
        'node',
        `This is Node ${nodeVersion}, and ${leastNode} or newer is needed.`,
        'Install the current LTS of Node.',
      )
    : findings.ok('node', `This is Node ${nodeVersion}.`);
}

function checkRoot({ isRoot }: MachineFacts): Finding {
  return isRoot
    ? findings.ok('root', 'This runs as root.')
    : findings.failed(
        'root',
        'This does not run as root: mounting volumes and reading every file on them takes root.',
        'Run it with sudo: sudo snap-to-s3 …',
      );
}

async function checkRecipient(
  recipient: string,
  { machine, signal }: { readonly machine: MachineFacts; readonly signal: AbortSignal },
): Promise<Finding> {
  try {
    await checkRecipients(await findGpg({ home: machine.gnupgHome, signal }), [recipient], signal);
    return findings.ok('gpg-recipient', `Archives can be encrypted for ${recipient}.`);
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = toAppError(error);
    return findings.failed('gpg-recipient', message, hint ?? 'See what gpg says: gpg --list-keys');
  }
}
