import type { Report } from "../../base/events.js";
import type { SkippedImage } from "./image-source.js";

/** Files in a warning. */
const mostNamed = 3;

/** Reports one warning for all files that were left out, with the first of them; none where none were. */
export function warnOfLeftOut(skipped: readonly SkippedImage[], report: Report): void {
  if (skipped.length === 0) return;
  const named = skipped.slice(0, mostNamed).map(({ name, reason }) => `${name}: ${reason}`);
  const rest = skipped.length > mostNamed ? `; and ${skipped.length - mostNamed} more` : "";
  const files = skipped.length === 1 ? "file" : "files";
  const message = `left out ${skipped.length} ${files} (${named.join("; ")}${rest})`;
  report({ kind: "warning", code: "photos-skipped", message });
}
