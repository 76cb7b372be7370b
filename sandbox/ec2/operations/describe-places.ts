import { onAnything } from '../access/index.js';
import { Ec2Error } from '../errors.js';
import { knownRegions, zonesOf, type KnownRegion, type Zone } from '../places.js';
import { passes, readFilters, type Filterable } from '../query/index.js';
import { operation } from './operation.js';

/** DescribeRegions: those that need no opting in, and with AllRegions the others too. */
export const describeRegions = operation({
  parse: (parameters) => ({
    all: parameters.flag('AllRegions'),
    names: parameters.list('RegionName'),
    filters: readFilters(parameters, regionFilters),
  }),
  access: (_, context) => onAnything('DescribeRegions', context),
  perform: ({ all, names, filters }) => {
    const regions = knownRegions.filter(({ optInStatus }) => all || optInStatus !== 'not-opted-in');
    const unknown = names.find((name) => !regions.some((region) => region.name === name));
    if (unknown !== undefined) {
      throw new Ec2Error('InvalidParameterValue', `Invalid region provided for parameter regionName: ${unknown}`);
    }
    const found = regions
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .filter((region) => passes(region, filters));
    return {
      regionInfo: found.map((region) => ({
        regionName: region.name,
        regionEndpoint: endpointOf(region),
        optInStatus: region.optInStatus,
      })),
    };
  },
});

/** DescribeAvailabilityZones, of the region of the request. It has no Local Zones that AllAvailabilityZones could add. */
export const describeAvailabilityZones = operation({
  parse: (parameters) => {
    parameters.flag('AllAvailabilityZones');
    return {
      names: parameters.list('ZoneName'),
      ids: parameters.list('ZoneId'),
      filters: readFilters(parameters, zoneFilters),
    };
  },
  access: (_, context) => onAnything('DescribeAvailabilityZones', context),
  perform: ({ names, ids, filters }, { region }) => {
    const zones = zonesOf(region.name).map((zone) => ({ ...zone, region: region.name }));
    const unknown = [
      ...names.filter((name) => !zones.some((zone) => zone.name === name)),
      ...ids.filter((id) => !zones.some((zone) => zone.id === id)),
    ][0];
    if (unknown !== undefined) {
      throw new Ec2Error('InvalidParameterValue', `Invalid availability zone: [${unknown}]`);
    }
    const wanted = zones
      .filter(({ name, id }) => names.length + ids.length === 0 || names.includes(name) || ids.includes(id))
      .filter((zone) => passes(zone, filters));
    return {
      availabilityZoneInfo: wanted.map((zone) => ({
        zoneName: zone.name,
        zoneState: 'available',
        regionName: zone.region,
        messageSet: [],
        zoneId: zone.id,
        zoneType: 'availability-zone',
        groupName: groupOf(zone),
        networkBorderGroup: zone.region,
        optInStatus: 'opt-in-not-required',
      })),
    };
  },
});

const regionFilters: Filterable<KnownRegion> = {
  tagsOf: () => [],
  fields: {
    endpoint: (region) => [endpointOf(region)],
    'opt-in-status': ({ optInStatus }) => [optInStatus],
    'region-name': ({ name }) => [name],
  },
};

interface RegionZone extends Zone {
  readonly region: string;
}

const zoneFilters: Filterable<RegionZone> = {
  tagsOf: () => [],
  fields: {
    'group-name': (zone) => [groupOf(zone)],
    message: () => [],
    'network-border-group': ({ region }) => [region],
    'opt-in-status': () => ['opt-in-not-required'],
    'parent-zone-id': () => [],
    'parent-zone-name': () => [],
    'region-name': ({ region }) => [region],
    state: () => ['available'],
    'zone-id': ({ id }) => [id],
    'zone-name': ({ name }) => [name],
    'zone-type': () => ['availability-zone'],
  },
};

function endpointOf({ name }: KnownRegion): string {
  return `ec2.${name}.amazonaws.com`;
}

function groupOf({ region }: RegionZone): string {
  return `${region}-zg-1`;
}
