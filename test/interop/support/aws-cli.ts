import { expect } from 'vitest';
import type { InteropSandbox, RunOptions } from './interop-sandbox.js';

/** The AWS command line, version 2, against a sandbox. */
export interface AwsCli {
  /** `aws <words>`, which is to succeed; its output as text. */
  text(words: readonly string[], options?: RunOptions): Promise<string>;
  /** `aws <words>`, which is to succeed; its output as bytes. */
  bytes(words: readonly string[], options?: RunOptions): Promise<Buffer>;
  /** `aws <words> --output json`, which is to succeed; undefined where it says nothing. */
  json(words: readonly string[], options?: RunOptions): Promise<unknown>;
  /** `aws <words> --query <query> --output text`, which is to succeed, without the line break. */
  value(words: readonly string[], query: string): Promise<string>;
  /** `aws <words>`, which is to be refused with this error code; what it says of it. */
  refused(words: readonly string[], code: string): Promise<string>;
}

/** The exit status of an error that the service answered (AWS CLI user guide, "Return codes"). */
const serviceErrorStatus = 254;

/** Debian's own, of the package awscli. */
export function awsCli(sandbox: InteropSandbox): AwsCli {
  // Of versions since 2.13 one could say AWS_ENDPOINT_URL.
  const argv = (words: readonly string[]): readonly string[] => [
    '/usr/bin/aws',
    '--endpoint-url',
    sandbox.url,
    ...words,
  ];
  return {
    text: (words, options) => sandbox.text(argv(words), options),
    bytes: (words, options) => sandbox.run(argv(words), options),
    json: (words, options) => sandbox.json(argv([...words, '--output', 'json']), options),
    value: async (words, query) =>
      (await sandbox.text(argv([...words, '--query', query, '--output', 'text']))).trimEnd(),
    refused: async (words, code) => {
      const { status, stderr } = await sandbox.attempt(argv(words));
      expect(stderr).toContain(`An error occurred (${code}) when calling`);
      expect(status).toBe(serviceErrorStatus);
      return stderr;
    },
  };
}
