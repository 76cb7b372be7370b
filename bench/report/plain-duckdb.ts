// One plain query of DuckDB over a report: what an engineer would type. `node plain-duckdb.js FILE`
import { DuckDBInstance } from '@duckdb/node-api';

const [path = ''] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await instance.connect();
const source = path.endsWith('.parquet') ? `read_parquet('${path}')` : `read_csv('${path}', all_varchar = true)`;
const result = await connection.runAndReadAll(
  `SELECT "lineItem/ResourceId", "lineItem/UsageStartDate", sum("lineItem/UsageAmount"::DOUBLE), sum("lineItem/UnblendedCost"::DOUBLE)
   FROM ${source} WHERE "lineItem/UsageType" LIKE '%EBS:SnapshotUsage' AND "lineItem/LineItemType" = 'Usage' GROUP BY ALL`,
);
console.log(result.currentRowCount);
