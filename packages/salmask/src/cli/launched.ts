/** In the environment of processes that `--processes` has started. */
export const launchedVariable = "SALMASK_LAUNCHED";
