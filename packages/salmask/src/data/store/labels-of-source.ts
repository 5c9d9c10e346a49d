import type { ImageSource, SourceLabels } from "../sources/image-source.js";
import { labelsOfFolders } from "./describe-pack.js";

/** The labels of photos that are not decoded yet: by the source's list, or by their folders. */
export async function labelsOfSource(
  source: ImageSource,
  signal?: AbortSignal,
): Promise<Pick<SourceLabels, "classes"> & { readonly labels: Int32Array }> {
  const names: string[] = [];
  for await (const image of source.images(signal)) {
    names.push(image.name);
    image.release();
  }
  const { commonFolder } = source.summary();
  const short = names.map((name) => (name.startsWith(commonFolder) ? name.slice(commonFolder.length) : name));
  const { classes, labelOf } = source.labels ?? labelsOfFolders(short);
  return { classes, labels: Int32Array.from(short, labelOf) };
}
