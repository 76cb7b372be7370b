// The local AWS of a measurement, in a process of its own: `stand-process.js <state directory> [lazy loading as JSON]`.
// Tells its endpoint and the ways to it, and ends when the parent disconnects.
import { shippedPolicy } from '../../sandbox/iam/index.js';
import type { LazyLoading } from '../../sandbox/ec2/index.js';
import { noDelays, startSandbox } from '../../sandbox/index.js';
import { bucket, type StandFacts } from './stand.js';

const [stateDirectory = '', lazyLoading] = process.argv.slice(2);

const sandbox = await startSandbox({
  stateDirectory,
  port: 0,
  delays: noDelays,
  rolePolicies: [shippedPolicy({ bucket })],
  onNotice: console.error,
  ...(lazyLoading === undefined ? {} : { lazyLoading: JSON.parse(lazyLoading) as LazyLoading }),
});
const { url, region, environment, administratorEnvironment } = sandbox;
const facts: StandFacts = { url, region, environment, administratorEnvironment };
process.send?.(facts);
process.once('disconnect', () => void sandbox.close());
process.on('SIGINT', () => undefined);
