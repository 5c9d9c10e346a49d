/**
 * The rows of end-to-end that show the cost of the full method compared with the plain one, and the time outside the
 * network.
 */
import { run as endToEnd } from "./end-to-end.js";
import type { Options, Row } from "./rows.js";

export async function run(options: Options): Promise<Row[]> {
  const rows = await endToEnd(options);
  return rows.filter(({ name, unit }) => unit === "x time" || name.endsWith("data to masking"));
}
