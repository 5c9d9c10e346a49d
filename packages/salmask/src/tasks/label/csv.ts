import { writeFileAtomic } from "../../base/files.js";
import type { LabelledPhoto } from "./label.js";

/** A field of RFC 4180: in quotes where it holds a comma, a quote or a line's end. */
const field = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Writes labels as CSV with the columns path, class and probability. */
export async function saveLabels(path: string, labelled: readonly LabelledPhoto[]): Promise<void> {
  const lines = labelled.map(({ path: photo, label, probability }) =>
    [field(photo), field(label), probability.toFixed(6)].join(","),
  );
  await writeFileAtomic(path, ["path,class,probability", ...lines, ""].join("\n"));
}
