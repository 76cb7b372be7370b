// How fast the local S3 takes and gives bytes, and whether its memory stays flat; see bench/README.md.
// `npm run bench:sandbox -- [--rounds 5] [--against <compiled tree>] [--size 20GiB] [--only <part of a name>]`
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/core/index.js';
import { median } from './process-facts.js';
import { lightClient } from './throughput/client.js';
import { start, type Contender, type RunningContender } from './throughput/contenders.js';
import { allLoads, atOnce, prepare, type Load } from './throughput/loads.js';
import { moveLargeObject } from './throughput/large-object.js';

const serverModule = join(import.meta.dirname, 'throughput', 'server.js');
const ours: Contender = { kind: 'sandbox', name: 'local S3', tree: join(import.meta.dirname, '..') };
const peer: Contender = { kind: 'peer', name: 'peer' };

/** One run of a load: moved units a second, and seconds of CPU of the server for a gigabyte or a thousand requests. */
interface Measurement {
  readonly perSecond: number;
  readonly serverCpu: number;
}

async function measure(load: Load, server: RunningContender): Promise<Measurement> {
  using client = lightClient(server.port);
  const cpuBefore = server.cpuSeconds();
  const beganMs = systemClock.now();
  const moved = await load.run(client);
  const seconds = (systemClock.now() - beganMs) / 1000;
  const inUnits = load.unit === 'MB/s' ? moved / 1e6 : moved;
  return { perSecond: inUnits / seconds, serverCpu: ((server.cpuSeconds() - cpuBefore) * 1000) / inUnits };
}

/** All contenders in turn, in one order and then in the other, so that whatever else the machine does meets all of them. */
async function compare(load: Load, servers: readonly RunningContender[], rounds: number): Promise<void> {
  const found = new Map<RunningContender, Measurement[]>(servers.map((server) => [server, []]));
  for (const server of servers) await measure(load, server);
  for (let round = 0; round < rounds; round += 1) {
    for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
      found.get(server)?.push(await measure(load, server));
    }
  }
  for (const [{ contender }, measurements] of found) {
    const rates = measurements.map(({ perSecond }) => perSecond);
    const each = load.unit === 'MB/s' ? 'GB' : '1,000 requests';
    console.log(
      [
        load.name.padEnd(48),
        contender.name.padEnd(10),
        `${median(rates).toFixed(0).padStart(6)} ${load.unit}`.padEnd(18),
        `${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`.padEnd(14),
        `${median(measurements.map(({ serverCpu }) => serverCpu)).toFixed(2)} s of CPU for a ${each}`,
      ].join(' '),
    );
  }
}

async function compareAll(contenders: readonly Contender[], rounds: number, only: string): Promise<void> {
  console.log(
    `Medians of ${rounds} rounds in turn, ${atOnce} requests at a time, client on the same machine. The peer is`,
  );
  console.log('a bare node:http server in one thread that receives, computes MD5 and CRC-32, and writes to a file.\n');
  const servers: RunningContender[] = [];
  try {
    for (const contender of contenders) {
      const server = await start(contender, serverModule);
      servers.push(server);
      using client = lightClient(server.port);
      await prepare(client);
    }
    for (const load of allLoads()) if (load.name.includes(only)) await compare(load, servers, rounds);
    console.log();
    for (const server of servers) console.log(`${server.contender.name}: at most ${server.peakMiB()} MiB of memory`);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

const { values } = parseArgs({
  options: {
    size: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const other: Contender[] =
  values.against === undefined ? [] : [{ kind: 'sandbox', name: 'other', tree: values.against }];
if (values.size === undefined) {
  await compareAll([peer, ...other, ours], Number(values.rounds), values.only);
} else {
  const gibibytes = Number(/^(\d+)GiB$/.exec(values.size)?.[1]);
  if (!(gibibytes > 0)) throw new Error(`--size ${values.size} is no size; write it as 20GiB.`);
  await using server = await start(ours, serverModule);
  await moveLargeObject(server, gibibytes);
}
