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
}

/** What of a machine is looked at. */
export interface MachineRequest {
  /** Where partitions would be mounted. */
  readonly mountPoint: string;
  /** Archives are to be encrypted. */
  readonly withGpg: boolean;
}

const findings = findingsOf('machine');
/** `engines` of package.json. */
const leastNode = '20.19';

/** Looks at this machine: Node, root, programs, filesystems, directories. */
export async function* checkMachine(
  { mountPoint, withGpg }: MachineRequest,
  { machine, signal }: { readonly machine: MachineFacts; readonly signal: AbortSignal },
): AsyncGenerator<Finding> {
  yield checkNode(machine);
  yield checkRoot(machine);
  yield* checkPrograms({ withGpg, signal });
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
