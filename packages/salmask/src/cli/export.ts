import type { Command } from "commander";
import { Option } from "commander";
import type { Exported } from "../export/export-run.js";
import { exportTargets, pixelTypes } from "../export/targets.js";
import {
  begin,
  type Context,
  command,
  countOption,
  requiredText,
  textOption,
  withExamples,
} from "./command.js";

export function exportCommand(context: Context): Command {
  const made = command(context, async ([run], options, output) => {
    const side = textOption(options, "side") === undefined ? undefined : countOption(options, "side", 0);
    const isNamed = <T extends string>(names: readonly T[], option: string) => {
      const text = requiredText(options, option);
      const found = names.find((name) => name === text);
      if (found === undefined) throw new Error(`Expected --${option} to be checked by its choices.`);
      return found;
    };
    const { exportRun } = await begin(context, import("../export/export-run.js"));
    const exported = await exportRun({
      run,
      to: isNamed(exportTargets, "to"),
      out: textOption(options, "out"),
      side,
      pixels: isNamed(pixelTypes, "pixels"),
    });
    output.result(exported, linesOf(exported));
  })
    .argument("<run>", "a run's folder, or a safetensors file of weights")
    .addOption(
      new Option(
        "--to <target>",
        "safetensors, or torchvision (a .pth): weights by torchvision's names; onnx: the network with its preprocessing",
      )
        .choices(exportTargets)
        .makeOptionMandatory(),
    )
    .option("--out <folder>", "folder of the export; default: export, beside the weights")
    .option(
      "--side <pixels>",
      "of an encoder: side of the square pictures that will be given; default: that of training",
    )
    .addOption(
      new Option("--pixels <type>", "onnx: type of the pixels, which are 0 to 255")
        .choices(pixelTypes)
        .default("float32"),
    );
  return withExamples(
    made,
    "export runs/pretrain --to onnx",
    "export runs/pretrain --to torchvision --out elsewhere",
    "export encoder.safetensors --to onnx --pixels uint8 --side 320",
  );
}

function linesOf({ files, checked }: Exported): string[] {
  const compared =
    checked === null
      ? []
      : [
          `checked: ONNX Runtime's outputs differ from Salmask's by a relative ${checked.difference.toExponential(1)} at most, ` +
            `for pictures ${checked.pictures.map((shape) => `[${shape.join(", ")}]`).join(", ")}`,
        ];
  return [...files.map((file) => `wrote ${file}`), ...compared];
}
