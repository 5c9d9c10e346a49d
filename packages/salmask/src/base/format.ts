/** Formats numbers for people. */

/** A share of 0 to 1 as `43 %`. */
export function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `95` seconds to `1m35s`, `4000` to `1h07m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}

const sizeUnits = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** `1234567` bytes to `1.2 MB`: units of 1000. */
export function fileSize(bytes: number): string {
  const exponent = Math.min(sizeUnits.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** exponent).toFixed(exponent === 0 ? 0 : 1)} ${sizeUnits[exponent]}`;
}
