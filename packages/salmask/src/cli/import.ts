import type { Command } from "commander";
import {
  begin,
  type Context,
  command,
  countOption,
  requiredText,
  textOption,
  withExamples,
} from "./command.js";

export function importCommand(context: Context): Command {
  const made = command(context, async ([file], options, output) => {
    const out = requiredText(options, "out");
    const crop = textOption(options, "crop") === undefined ? undefined : countOption(options, "crop", 224);
    const prefix = textOption(options, "prefix");
    const { importWeights } = await begin(context, import("./import-run.js"));
    const { weights, spec, ...found } = importWeights({ file, out, prefix, crop });
    const ignored = Object.entries(found.ignored).map(([name, count]) => `  ${name}: ${count}`);
    output.result({ weights, model: spec, ...found }, [
      `${spec.arch}, width ${spec.width}, stem ${spec.stem}, from ${found.prefix === "" ? "the names as they are" : `${found.prefix}*`}`,
      ...(found.others.length === 0
        ? []
        : [
            `also there, for --prefix: ${found.others.map((other) => other || "the names as they are").join(", ")}`,
          ]),
      ...(ignored.length === 0 ? [] : ["tensors that were not taken:", ...ignored]),
      `weights: ${weights}`,
    ]);
  })
    .argument(
      "<file>",
      "weights: .pth of torchvision, MoCo and others, of both formats of torch.save, or safetensors",
    )
    .requiredOption("--out <path>", "NAME.safetensors, or a new folder, which other commands take as a run")
    .option("--prefix <text>", "what the encoder's names begin with, where the file holds several")
    .option(
      "--crop <pixels>",
      "side of the pictures that the encoder was trained on; default: the file's, or 224",
    );
  return withExamples(
    made,
    "import resnet50-supervised.pth --out resnet50.safetensors",
    "import moco_v2_800ep_pretrain.pth.tar --out runs/moco",
    "pretrain photos --train.init resnet50.safetensors --saliency.weights resnet50.safetensors",
  );
}
