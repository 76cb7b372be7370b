/** The builds of the metadata service, as its root lists them (EC2 user guide, "Get the available versions"). */
const builds: readonly string[] = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
  '2011-01-01',
  '2011-05-01',
  '2012-01-12',
  '2014-02-25',
  '2014-11-05',
  '2015-10-20',
  '2016-04-19',
  '2016-06-30',
  '2016-09-02',
  '2018-03-28',
  '2018-08-17',
  '2018-09-24',
  '2019-10-01',
  '2020-10-27',
  '2021-01-03',
  '2021-03-23',
  'latest',
];

/** What the root lists. */
export const versionListing = builds.join('\n');

/** A path below a version. */
export interface VersionedPath {
  /** `latest`, `2021-03-23` */
  readonly version: string;
  /** Without a slash in front: `meta-data/ami-id`. */
  readonly path: string;
}

/** Splits `/latest/meta-data/ami-id`; undefined where the first part is no version. */
export function splitVersion(path: string): VersionedPath | undefined {
  const [version = '', ...parts] = path.replace(/^\//, '').split('/');
  return builds.includes(version) ? { version, path: parts.join('/') } : undefined;
}
