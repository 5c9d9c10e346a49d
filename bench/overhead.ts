/** What the full method costs beside the plain one, and what of a step is not the network's: the rows of end-to-end that say so. */
import { run as endToEnd } from "./end-to-end.js";
import type { Options, Row } from "./rows.js";

export async function run(options: Options): Promise<Row[]> {
  const rows = await endToEnd(options);
  return rows.filter(({ name, unit }) => unit === "x time" || name.endsWith("data to masking"));
}
