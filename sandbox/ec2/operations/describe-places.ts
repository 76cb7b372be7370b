import { Ec2Error } from '../errors.js';
import { regionNames, zonesOf } from '../places.js';
import { passes, readFilters, type Filterable } from '../query/index.js';
import { operation } from './operation.js';

/** DescribeRegions: those of `places.ts`. */
export const describeRegions = operation({
  parse: (parameters) => {
    parameters.flag('AllRegions');
    return { names: parameters.list('RegionName'), filters: readFilters(parameters, regionFilters) };
  },
  perform: ({ names, filters }) => {
    const unknown = names.find((name) => !regionNames.includes(name));
    if (unknown !== undefined) {
      throw new Ec2Error('InvalidParameterValue', `Invalid region provided for parameter regionName: ${unknown}`);
    }
    const found = regionNames
      .filter((name) => names.length === 0 || names.includes(name))
      .filter((name) => passes(name, filters, regionFilters));
    return {
      regionInfo: found.map((regionName) => ({
        regionName,
        regionEndpoint: `ec2.${regionName}.amazonaws.com`,
        optInStatus: 'opt-in-not-required',
      })),
    };
  },
});

/** DescribeAvailabilityZones, of the region of the request. */
export const describeAvailabilityZones = operation({
  parse: (parameters) => {
    parameters.flag('AllAvailabilityZones');
    return {
      names: parameters.list('ZoneName'),
      ids: parameters.list('ZoneId'),
      filters: readFilters(parameters, zoneFilters),
    };
  },
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
      .filter((zone) => passes(zone, filters, zoneFilters));
    return {
      availabilityZoneInfo: wanted.map((zone) => ({
        zoneName: zone.name,
        zoneState: 'available',
        regionName: zone.region,
        zoneId: zone.id,
        zoneType: 'availability-zone',
        groupName: `${zone.region}-zg-1`,
        networkBorderGroup: zone.region,
        optInStatus: 'opt-in-not-required',
      })),
    };
  },
});

const regionFilters: Filterable<string> = {
  tagsOf: () => [],
  fields: {
    endpoint: (name) => [`ec2.${name}.amazonaws.com`],
    'opt-in-status': () => ['opt-in-not-required'],
    'region-name': (name) => [name],
  },
};

interface RegionZone {
  readonly name: string;
  readonly id: string;
  readonly region: string;
}

const zoneFilters: Filterable<RegionZone> = {
  tagsOf: () => [],
  fields: {
    'opt-in-status': () => ['opt-in-not-required'],
    'region-name': ({ region }) => [region],
    state: () => ['available'],
    'zone-id': ({ id }) => [id],
    'zone-name': ({ name }) => [name],
    'zone-type': () => ['availability-zone'],
  },
};
