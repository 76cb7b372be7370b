import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

// unit: pure or needing only ordinary files and programs; also run on the newest Node LTS.
// system: the local AWS, real loop devices and filesystems; needs root.
const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
// So that worker threads run from TypeScript as well.
const execArgv = ['--import', new URL('test/support/typescript-in-threads.mjs', import.meta.url).href];

export default defineConfig({
  test: {
    // On two cores the default is one; most of the system tests wait for devices and state machines.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{core,process,archive,codec,cli,source,costs,docs}/**/*.test.ts'],
          testTimeout: 60_000,
          env,
          execArgv,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/{sandbox,disk,store,verify,commands,e2e,browser,faults,interop}/**/*.test.ts'],
          // Against hanging only: the longest takes two minutes while two others use the cores.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          env,
          execArgv,
        },
      },
    ],
  },
});
