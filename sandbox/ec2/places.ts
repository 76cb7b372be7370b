/** A region with its zones, as DescribeRegions and DescribeAvailabilityZones tell them. */
export interface Place {
  readonly region: string;
  /** First part of zone ids: `use1` in `use1-az1`. */
  readonly zoneIdPrefix: string;
  readonly zoneLetters: readonly string[];
}

const places: readonly Place[] = [
  { region: 'us-east-1', zoneIdPrefix: 'use1', zoneLetters: ['a', 'b', 'c', 'd', 'e', 'f'] },
  { region: 'us-east-2', zoneIdPrefix: 'use2', zoneLetters: ['a', 'b', 'c'] },
  { region: 'us-west-2', zoneIdPrefix: 'usw2', zoneLetters: ['a', 'b', 'c', 'd'] },
  { region: 'eu-central-1', zoneIdPrefix: 'euc1', zoneLetters: ['a', 'b', 'c'] },
  { region: 'eu-west-1', zoneIdPrefix: 'euw1', zoneLetters: ['a', 'b', 'c'] },
  { region: 'ap-southeast-2', zoneIdPrefix: 'apse2', zoneLetters: ['a', 'b', 'c'] },
];

/** The regions that the sandbox has. */
export const regionNames: readonly string[] = places.map(({ region }) => region);

/** A zone by both its names. */
export interface Zone {
  readonly name: string;
  readonly id: string;
}

/** The zones of a region; none for a region that the sandbox does not have. */
export function zonesOf(region: string): readonly Zone[] {
  const place = places.find((candidate) => candidate.region === region);
  if (place === undefined) return [];
  return place.zoneLetters.map((letter, index) => ({
    name: `${region}${letter}`,
    id: `${place.zoneIdPrefix}-az${index + 1}`,
  }));
}
