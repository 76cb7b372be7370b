import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { administrator } from '../../sandbox/iam/index.js';

/** The portal of IAM Identity Center: keys of a role, for who has an access token. */
export interface SsoPortal extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_SSO`. */
  readonly url: string;
  /** Whoever asked with this token got keys so often. */
  readonly asked: ReadonlyMap<string, number>;
}

/** Starts one, whose keys are those of a role of the local AWS. */
export async function ssoPortal(aws: { readonly url: string }): Promise<SsoPortal> {
  const sts = new STSClient({ endpoint: aws.url, region: 'us-east-1', credentials: administrator });
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://portal');
    const token = String(request.headers['x-amz-sso_bearer_token']);
    if (pathname !== '/federation/credentials') {
      response.writeHead(404).end();
      return;
    }
    asked.set(token, (asked.get(token) ?? 0) + 1);
    const account = searchParams.get('account_id') ?? '';
    const RoleArn = `arn:aws:iam::${account}:role/${searchParams.get('role_name') ?? ''}`;
    void sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'sso' })).then(
      ({ Credentials }) => {
        const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
        const roleCredentials = {
          accessKeyId: AccessKeyId,
          secretAccessKey: SecretAccessKey,
          sessionToken: SessionToken,
          expiration: Expiration?.getTime(),
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ roleCredentials }));
      },
      () => response.writeHead(403).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      sts.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What `aws sso login` leaves behind for a session. */
export async function ssoLogin(
  home: string,
  {
    session,
    accessToken,
    expiresAt,
  }: { readonly session: string; readonly accessToken: string; readonly expiresAt: Date },
): Promise<void> {
  const cache = join(home, '.aws/sso/cache');
  await mkdir(cache, { recursive: true });
  const name = createHash('sha1').update(session).digest('hex');
  await writeFile(join(cache, `${name}.json`), JSON.stringify({ accessToken, expiresAt: expiresAt.toISOString() }));
}
