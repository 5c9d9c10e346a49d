import type { Command } from "commander";
import { begin, type Context, command, requiredText, withExamples } from "./command.js";
import { useOptions, withUseOptions } from "./use-options.js";

export function labelCommand(context: Context): Command {
  const made = command(context, async ([run, photos], options, output) => {
    const out = requiredText(options, "out");
    const examples = requiredText(options, "examples");
    const { labelPhotos } = await begin(context, import("../tasks/label/label.js"));
    const { saveLabels } = await import("../tasks/label/csv.js");
    const used = await useOptions(context, options, output);
    const result = await labelPhotos({ run, photos, examples, ...used });
    await saveLabels(out, result.labelled);
    const counts = result.classes.map((name) => ({
      name,
      photos: result.labelled.filter(({ label }) => label === name).length,
    }));
    output.result({ ...result, file: out }, [
      ...counts.map(
        ({ name, photos: count }, i) => `${name}: ${count} photos, by ${result.examples[i]} examples`,
      ),
      `${result.labelled.length} photos labelled: ${out}`,
    ]);
  });
  withUseOptions(made)
    .argument("<photos>", "folder or archive of photos, or the .npy that salmask embed wrote of one")
    .requiredOption("--examples <folder>", "one folder of examples per class, of one photo or more each")
    .option("--out <file>", "the CSV: path, class, probability", "labels.csv");
  return withExamples(
    made,
    "label runs/pretrain photos --examples examples",
    "label runs/pretrain photos.npy --examples examples --out labels.csv --json",
  );
}
