/** An error that STS answers to its client: `<ErrorResponse><Error>` with a code, a sentence and an HTTP status. */
export class StsError extends Error {
  override readonly name = 'StsError';
  readonly code: string;
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus = 400) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

/** 501: something that STS knows and the sandbox does not. Differs from AWS on purpose: never silent success. */
export const notImplemented = (what: string): StsError =>
  new StsError('NotImplemented', `The sandbox does not implement ${what}.`, 501);

/** A parameter with a value that cannot be. */
export const validationError = (message: string): StsError => new StsError('ValidationError', message);

/** A parameter that the action does not have. */
export const unknownParameter = (name: string): StsError =>
  new StsError('InvalidQueryParameter', `The parameter ${name} is not recognized.`);

/** A session policy that is none. */
export const malformedPolicyDocument = (message: string): StsError => new StsError('MalformedPolicyDocument', message);

/** What no policy can allow. */
export const accessDenied = (message: string): StsError => new StsError('AccessDenied', message, 403);
