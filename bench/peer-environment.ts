/**
 * The environment of PyTorch's side. glibc gives large blocks back to the system when they are freed, and PyTorch's maps are such blocks,
 * so that each step waits for pages to be filled with zeros: a step of bench/rival took 0.30 to 0.44 s with glibc's thresholds and 0.23 to
 * 0.29 s with these. Salmask keeps blocks of its own.
 */
export const peerEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PYTHONDONTWRITEBYTECODE: "1",
  MALLOC_MMAP_THRESHOLD_: "4000000000",
  MALLOC_TRIM_THRESHOLD_: "8000000000",
});
