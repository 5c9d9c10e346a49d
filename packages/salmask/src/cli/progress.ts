import type { Metrics } from "../runs/metrics-log.js";

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;

/** `95` to `1m35s`, `4000` to `1h07m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}

function maskPart({ foregroundShare, maskedShare }: Metrics): string {
  if (foregroundShare !== null) return `foreground ${percent(foregroundShare)}`;
  return maskedShare > 0 ? `masked ${percent(maskedShare)}` : "unmasked";
}

/** One line on how a run stands. */
export function progressLine(
  metrics: Metrics,
  run: { epochs: number; stepsPerEpoch: number; batchSize: number },
): string {
  const left = run.epochs * run.stepsPerEpoch - metrics.step;
  const parts = [
    `epoch ${Math.min(metrics.epoch + 1, run.epochs)}/${run.epochs}`,
    `step ${metrics.step}`,
    `loss ${metrics.loss.toFixed(3)}`,
    `contrast ${percent(metrics.contrastAccuracy)}`,
    ...(metrics.queueFill === null ? [] : [`queue ${percent(metrics.queueFill)}`]),
    maskPart(metrics),
    `${metrics.imagesPerSecond.toFixed(0)} img/s`,
    `${duration((left * run.batchSize) / Math.max(metrics.imagesPerSecond, 1e-9))} left`,
  ];
  return parts.join("  ");
}
