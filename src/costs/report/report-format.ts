import { AppError } from '../../core/index.js';

/** Which of the costs of a report count. */
export type CostKind = 'unblended' | 'net' | 'effective';

/** Where a report has what is needed of it: the names of its columns. */
export interface ReportFormat {
  readonly name: string;
  readonly resource: string;
  readonly usageType: string;
  /** Which kind of line it is; only usage counts: credits, taxes, refunds and corrections are none. */
  readonly lineType: string;
  readonly start: string;
  /** True where that column has `start/end` in one. */
  readonly startIsInterval: boolean;
  /** The end of the period; or `start/end` in one. */
  readonly end: { readonly column: string; readonly isInterval: boolean } | undefined;
  readonly amount: string;
  readonly cost: string;
  readonly account: string | undefined;
  readonly region: string | undefined;
  readonly currency: string | undefined;
  /** Of a correction it says so (FOCUS). */
  readonly correction: string | undefined;
}

interface KnownFormat {
  readonly name: string;
  /** Each thing under the names that it may have. */
  readonly columns: Readonly<
    Record<'resource' | 'usageType' | 'lineType' | 'start' | 'amount', readonly [string, ...string[]]>
  >;
  readonly end: readonly string[];
  readonly interval: readonly string[];
  readonly cost: Readonly<Partial<Record<CostKind, string>>>;
  readonly account: readonly string[];
  readonly region: readonly string[];
  readonly currency: readonly string[];
  readonly correction: readonly string[];
}

const knownFormats: readonly KnownFormat[] = [
  {
    name: 'Cost and Usage Report',
    columns: {
      resource: ['lineItem/ResourceId'],
      usageType: ['lineItem/UsageType'],
      lineType: ['lineItem/LineItemType'],
      start: ['lineItem/UsageStartDate', 'identity/TimeInterval'],
      amount: ['lineItem/UsageAmount'],
    },
    end: ['lineItem/UsageEndDate'],
    interval: ['identity/TimeInterval'],
    cost: { unblended: 'lineItem/UnblendedCost', net: 'lineItem/NetUnblendedCost' },
    account: ['lineItem/UsageAccountId'],
    region: ['product/region', 'product/regionCode'],
    currency: ['lineItem/CurrencyCode'],
    correction: [],
  },
  {
    // Also the legacy report as Parquet.
    name: 'CUR 2.0',
    columns: {
      resource: ['line_item_resource_id'],
      usageType: ['line_item_usage_type'],
      lineType: ['line_item_line_item_type'],
      start: ['line_item_usage_start_date', 'identity_time_interval'],
      amount: ['line_item_usage_amount'],
    },
    end: ['line_item_usage_end_date'],
    interval: ['identity_time_interval'],
    cost: { unblended: 'line_item_unblended_cost', net: 'line_item_net_unblended_cost' },
    account: ['line_item_usage_account_id'],
    region: ['product_region_code', 'product_region'],
    currency: ['line_item_currency_code'],
    correction: [],
  },
  {
    name: 'FOCUS',
    columns: {
      resource: ['ResourceId'],
      // FOCUS 1.2 has it of its own, and AWS leaves out the other ("Migrating from FOCUS 1.0 to FOCUS 1.2", AWS Data Exports).
      usageType: ['x_UsageType', 'x_usage_type', 'SkuMeter'],
      lineType: ['ChargeCategory'],
      start: ['ChargePeriodStart'],
      amount: ['ConsumedQuantity'],
    },
    end: ['ChargePeriodEnd'],
    interval: [],
    cost: { unblended: 'BilledCost', effective: 'EffectiveCost' },
    account: ['SubAccountId'],
    region: ['RegionId'],
    currency: ['BillingCurrency'],
    correction: ['ChargeClass'],
  },
];

/**
 * Finds out by its columns which kind of report a file is. Throws `usage`, naming what is missing, for one that is none, and
 * for one that has no costs of the kind that is asked for. `where` is its path, for the message.
 */
export function recogniseReport(
  columns: readonly string[],
  { cost, where }: { readonly cost: CostKind; readonly where: string },
): ReportFormat {
  const has = (names: readonly string[]): string | undefined => names.find((name) => columns.includes(name));
  const [best] = knownFormats
    .map((format) => ({
      format,
      missing: Object.values(format.columns).filter((names) => has(names) === undefined),
    }))
    .sort((a, b) => a.missing.length - b.missing.length);
  if (best === undefined) throw new TypeError('no format is known');
  const { format, missing } = best;
  if (missing.length > 0) {
    const isNear = missing.length < Object.keys(format.columns).length;
    throw isNear ? incomplete(where, format, missing) : noReport(where, columns);
  }
  const costColumn = format.cost[cost];
  if (costColumn === undefined || !columns.includes(costColumn)) {
    const others = Object.entries(format.cost).flatMap(([kind, name]) => (columns.includes(name) ? [kind] : []));
    throw new AppError(
      'usage',
      `${where} (${format.name}) has no ${cost} costs${costColumn === undefined ? '' : `: the column ${costColumn} is missing`}.`,
      {
        hint: `It has: ${others.join(', ') || 'none at all'}. Say which with --cost.`,
      },
    );
  }
  const need = (names: readonly [string, ...string[]]): string => has(names) ?? names[0];
  const end = has(format.end);
  const interval = has(format.interval);
  return {
    name: format.name,
    resource: need(format.columns.resource),
    usageType: need(format.columns.usageType),
    lineType: need(format.columns.lineType),
    start: need(format.columns.start),
    startIsInterval: format.interval.includes(need(format.columns.start)),
    end:
      end !== undefined
        ? { column: end, isInterval: false }
        : interval === undefined
          ? undefined
          : { column: interval, isInterval: true },
    amount: need(format.columns.amount),
    cost: costColumn,
    account: has(format.account),
    region: has(format.region),
    currency: has(format.currency),
    correction: has(format.correction),
  };
}

function incomplete(where: string, { name, columns }: KnownFormat, missing: readonly (readonly string[])[]): AppError {
  const names = missing.map(([first]) => first ?? '').join(', ');
  const isResource = missing.includes(columns.resource);
  return new AppError(
    'usage',
    `${where} looks like a ${name}, but lacks the ${missing.length === 1 ? 'column' : 'columns'} ${names}.`,
    {
      hint: isResource
        ? 'Create the report anew with "Include resource IDs"; without them nobody can say which snapshot a line is of.'
        : 'Create the report anew with these columns.',
    },
  );
}

function noReport(where: string, columns: readonly string[]): AppError {
  const some = columns.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 60)));
  const more = columns.length > some.length ? ', …' : '';
  const needed = knownFormats.map(({ name, columns: of }) => {
    const names = Object.values(of).map(([first]) => first);
    return `${names.join(', ')} (${name})`;
  });
  return new AppError('usage', `${where} is no cost report: it has none of the columns ${needed.join('; ')}.`, {
    hint: `Its columns are: ${some.join(', ')}${more}. Give a Cost and Usage Report, a CUR 2.0 or a FOCUS export.`,
  });
}
