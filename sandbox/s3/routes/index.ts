import { bucketRoutes } from './bucket.js';
import { objectRoutes } from './object.js';
import type { Route } from './route.js';

export type { Route } from './route.js';
/** Every operation that the sandbox has. */
export const routes: readonly Route[] = [...bucketRoutes, ...objectRoutes];
