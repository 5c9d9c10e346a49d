import type { Command } from "commander";
import { begin, type Context, command, requiredText, withExamples } from "./command.js";
import { useOptions, withUseOptions } from "./use-options.js";

export function embedCommand(context: Context): Command {
  const made = command(context, async ([run, photos], options, output) => {
    const out = requiredText(options, "out");
    const { embed } = await begin(context, import("../tasks/embed/embed.js"));
    const { refuseOtherKinds, saveEmbeddings } = await import("../tasks/embed/files.js");
    refuseOtherKinds(out);
    using embeddings = await embed({ run, photos, ...(await useOptions(context, options, output)) });
    const files = await saveEmbeddings(out, embeddings);
    const [rows, columns] = embeddings.vectors.shape;
    const { source, weights, skipped } = embeddings;
    output.result({ source, weights, photos: rows, dimensions: columns, files, skipped }, [
      `${rows} photos, ${columns} numbers each: ${files.join(" and ")}`,
    ]);
  });
  withUseOptions(made)
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option(
      "--out <file>",
      "NAME.npy, with the paths beside it in NAME.paths.json; or NAME.parquet with the columns path and embedding",
      "embeddings.npy",
    );
  return withExamples(
    made,
    "embed runs/pretrain photos --out photos.npy",
    "embed runs/pretrain photos --out photos.parquet",
  );
}
