import { join } from "node:path";
import { writeAll } from "./fixtures.js";

const classes = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

/** What byte `at` of the pixels of a file's record `index` is: no two records, planes or rows are alike. */
export const cifarPixel = (index: number, at: number) =>
  (31 * index + 7 * at + Math.floor(at / 1024) * 50 + (at >> 5)) % 256;

/** Records with these label bytes. */
export function cifarRecords(labels: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    labels.map((bytes, index) =>
      Buffer.from([...bytes, ...Array.from({ length: 3072 }, (_, at) => cifarPixel(index, at))]),
    ),
  );
}

/** CIFAR-10's binary version with `perFile` records a file, classes by turns. Returns its folder, in `folder`. */
export async function writeCifar10(folder: string, { perFile }: { perFile: number }): Promise<string> {
  const root = join(folder, "cifar-10-batches-bin");
  const files: Record<string, string | Buffer> = { "batches.meta.txt": `${classes.join("\n")}\n\n` };
  const labels = (from: number) => Array.from({ length: perFile }, (_, i) => [(from + i) % 10]);
  for (let n = 0; n < 5; n++) files[`data_batch_${n + 1}.bin`] = cifarRecords(labels(n * perFile));
  files["test_batch.bin"] = cifarRecords(labels(0));
  await writeAll(root, files);
  return root;
}
