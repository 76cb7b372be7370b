// One plain query of DuckDB over a report: what an engineer would type. `node plain-duckdb.js FILE`
import { DuckDBInstance } from '@duckdb/node-api';

const [path = ''] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await instance.connect();
const isParquet = path.endsWith('.parquet');
const source = isParquet ? `read_parquet('${path}')` : `read_csv('${path}', all_varchar = true)`;
const [resource, start, amount, cost, usageType, lineType] = isParquet
  ? [
      'line_item_resource_id',
      'line_item_usage_start_date',
      'line_item_usage_amount',
      'line_item_unblended_cost',
      'line_item_usage_type',
      'line_item_line_item_type',
    ]
  : [
      '"lineItem/ResourceId"',
      '"lineItem/UsageStartDate"',
      '"lineItem/UsageAmount"::DOUBLE',
      '"lineItem/UnblendedCost"::DOUBLE',
      '"lineItem/UsageType"',
      '"lineItem/LineItemType"',
    ];
const result = await connection.runAndReadAll(
  `SELECT ${resource}, ${start}, sum(${amount}), sum(${cost})
   FROM ${source} WHERE ${usageType} LIKE '%EBS:SnapshotUsage' AND ${lineType} = 'Usage' GROUP BY ALL`,
);
console.log(result.currentRowCount);
