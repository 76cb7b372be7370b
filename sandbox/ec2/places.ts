/** A region with its zones, as DescribeRegions and DescribeAvailabilityZones tell them. */
interface Place {
  readonly region: string;
  /** First part of zone ids: `use1` in `use1-az1`. */
  readonly zoneIdPrefix: string;
  /** The zones by letter, each with the number of its id: AWS gives every account other letters for the same zones. */
  readonly zones: readonly (readonly [letter: string, number: number])[];
}

/** The commercial regions that every account has without opting in. */
const places: readonly Place[] = [
  place('ap-northeast-1', 'apne1', 'a4 c1 d2'),
  place('ap-northeast-2', 'apne2', 'a1 b2 c3 d4'),
  place('ap-northeast-3', 'apne3', 'a3 b1 c2'),
  place('ap-south-1', 'aps1', 'a1 b3 c2'),
  place('ap-southeast-1', 'apse1', 'a1 b2 c3'),
  place('ap-southeast-2', 'apse2', 'a1 b3 c2'),
  place('ca-central-1', 'cac1', 'a1 b2 d4'),
  place('eu-central-1', 'euc1', 'a2 b3 c1'),
  place('eu-north-1', 'eun1', 'a1 b2 c3'),
  place('eu-west-1', 'euw1', 'a3 b1 c2'),
  place('eu-west-2', 'euw2', 'a2 b3 c1'),
  place('eu-west-3', 'euw3', 'a1 b2 c3'),
  place('sa-east-1', 'sae1', 'a1 b2 c3'),
  place('us-east-1', 'use1', 'a6 b1 c2 d4 e3 f5'),
  place('us-east-2', 'use2', 'a1 b2 c3'),
  place('us-west-1', 'usw1', 'a3 b1'),
  place('us-west-2', 'usw2', 'a2 b1 c3 d4'),
];

/** Those that an account must opt in to; the account of the sandbox has not. */
const otherRegions: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-west-1',
  'eu-central-2',
  'eu-south-1',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
];

/** A region, and whether the account can use it. */
export interface KnownRegion {
  readonly name: string;
  readonly optInStatus: 'opt-in-not-required' | 'not-opted-in';
}

/** The regions that AWS has, by name. */
export const knownRegions: readonly KnownRegion[] = [
  ...places.map(({ region }) => ({ name: region, optInStatus: 'opt-in-not-required' as const })),
  ...otherRegions.map((name) => ({ name, optInStatus: 'not-opted-in' as const })),
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Whether the sandbox answers for a region. */
export function isEnabled(region: string): boolean {
  return places.some((candidate) => candidate.region === region);
}

/** A zone by both its names. */
export interface Zone {
  readonly name: string;
  readonly id: string;
}

/** The zones of a region; none for a region that the sandbox does not have. */
export function zonesOf(region: string): readonly Zone[] {
  const found = places.find((candidate) => candidate.region === region);
  if (found === undefined) return [];
  return found.zones.map(([letter, number]) => ({
    name: `${region}${letter}`,
    id: `${found.zoneIdPrefix}-az${number}`,
  }));
}

function place(region: string, zoneIdPrefix: string, zones: string): Place {
  const pairs = zones.split(' ').map((zone) => [zone.charAt(0), Number(zone.slice(1))] as const);
  return { region, zoneIdPrefix, zones: pairs };
}
