import type { Instance, Region } from '../state/index.js';
import type { ArnPlace } from './arns.js';

/** What the description of an access needs to know of the place where it happens. */
export interface AccessContext {
  readonly region: Pick<Region, 'name'>;
  readonly lifecycle: { readonly state: { readonly instance: Pick<Instance, 'accountId'> } };
}

/** The region of the request and the account of the sandbox. */
export function placeOf({ region, lifecycle }: AccessContext): ArnPlace {
  return { region: region.name, accountId: lifecycle.state.instance.accountId };
}
