type Explain = (error: unknown) => unknown;

let explain: Explain = (error) => error;

/** Sets what makes an error of `backward` one that says more. Process groups do it: collectives run in a backward pass too. */
export function explainFailuresOfBackward(by: Explain): void {
  explain = by;
}

/** The error to throw for one that the addon's `backward` threw. */
export function explainedFailureOfBackward(error: unknown): unknown {
  return explain(error);
}
