/** An error that EC2 answers to its client: `<Response><Errors><Error>` with a code, a sentence and an HTTP status. */
export class Ec2Error extends Error {
  override readonly name = 'Ec2Error';
  readonly code: string;
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus = 400) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

/** 412: the caller asked only whether it might. */
export const dryRunOperation = (): Ec2Error =>
  new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);

/** 501: something that EC2 may know and the sandbox does not. Differs from AWS on purpose: never silent success. */
export const notImplemented = (what: string): Ec2Error =>
  new Ec2Error('NotImplemented', `The sandbox does not implement ${what}. sandbox/FIDELITY.md says what it does.`, 501);

/** A parameter without which the request means nothing. */
export const missingParameter = (name: string): Ec2Error =>
  new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);

/** A parameter that the action does not have. */
export const unknownParameter = (name: string): Ec2Error =>
  new Ec2Error('UnknownParameter', `The parameter ${name} is not recognized`);

/** A parameter with a value that cannot be. */
export const invalidParameterValue = (message: string): Ec2Error => new Ec2Error('InvalidParameterValue', message);

/** Parameters that exclude each other. */
export const invalidParameterCombination = (message: string): Ec2Error =>
  new Ec2Error('InvalidParameterCombination', message);

/** The resource exists and is in the wrong state for this. */
export const incorrectState = (message: string): Ec2Error => new Ec2Error('IncorrectState', message);

/** What EC2 answers in a region that the account has not opted in to: its keys are not known there. */
export const regionNotEnabled = (): Ec2Error =>
  new Ec2Error('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);

/** A parameter that needs another one. */
export const invalidParameterDependency = (message: string): Ec2Error =>
  new Ec2Error('InvalidParameterDependency', message);

/** Nobody may do this with this resource. */
export const operationNotPermitted = (message: string): Ec2Error => new Ec2Error('OperationNotPermitted', message);

/** Too many at once. */
export const resourceLimitExceeded = (message: string): Ec2Error => new Ec2Error('ResourceLimitExceeded', message);

/** The volume hangs on an instance. */
export const volumeInUse = (message: string): Ec2Error => new Ec2Error('VolumeInUse', message);

/** What EC2 calls a snapshot that is not there. */
export const snapshotNotFound = (id: string): Ec2Error =>
  new Ec2Error('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);

/** What EC2 calls a volume that is not there. */
export const volumeNotFound = (id: string): Ec2Error =>
  new Ec2Error('InvalidVolume.NotFound', `The volume '${id}' does not exist.`);

/** What EC2 calls an instance that is not there. */
export const instanceNotFound = (id: string): Ec2Error =>
  new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
