/** Thrown for a text that is no IAM policy; the message names the place: `Statement[0].Condition.StringEqual`. */
export class MalformedPolicy extends Error {
  override readonly name = 'MalformedPolicy';

  constructor(place: string, reason: string, options: ErrorOptions = {}) {
    super(
      place === '' ? `The policy is malformed: ${reason}` : `The policy is malformed at ${place}: ${reason}`,
      options,
    );
  }
}
