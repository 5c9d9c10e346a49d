import type { Method, StepResult, Views } from "../../src/ssl/method.js";

/** What a method makes of one batch, the query compared once. */
export function compare(method: Method, { query, ...others }: Views, step = 0): StepResult {
  return method.against(others, step)(query);
}
