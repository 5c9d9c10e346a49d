import { describe, expect, it } from "vitest";
import { run } from "../../src/cli/main.js";
import { presetNames } from "../../src/config/presets.js";
import { fillNames } from "../../src/masking/settings.js";

const presets = presetNames({ name: "pretrain" }).join(", ");

async function call(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const streams = {
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
  };
  return { code: await run(argv, streams), ...said };
}

describe("settings as options", () => {
  it.each([
    ["--train.epochs x", 'salmask: Expected a whole number from 1 for --train.epochs, got "x".\n'],
    ["--epochs x", 'salmask: Expected a whole number from 1 for --epochs, got "x".\n'],
    [
      "--mask.ratio 0.4,0.1",
      "salmask: Expected two numbers from 0 to 1, the smaller first, as 0.1,0.4 for --mask.ratio, got [0.4,0.1].\n",
    ],
    [
      "--epochs 3 --train.epochs 3",
      "salmask: Expected one of --train.epochs and --epochs, got both. Give one.\n",
    ],
    [
      "--preset best",
      `salmask: Expected the name of a preset for --preset, got "best". There are: ${presets}.\n`,
    ],
  ])("refuses %s in one sentence", async (line, message) => {
    const { code, err } = await call("pretrain", "photos", ...line.split(" "));
    expect({ code, err }).toEqual({ code: 2, err: message });
  });

  it("refuses labels that nobody can give", async () => {
    const { code, err } = await call("finetune", "run", "photos", "--labels", "0%");
    const budget = "all, a share such as 10%, or a number per class such as 5";
    expect({ code, err }).toEqual({ code: 2, err: `salmask: Expected ${budget} for --labels, got "0%".\n` });
  });

  it.each([
    ["views", "--epochs 3"],
    ["views", "--arch resnet18"],
    ["views", "--method.queue 5"],
    ["views", "--mask.negative.weight 1"],
    ["saliency eval", "--mask.fill mean"],
    ["saliency eval", "--seed 3"],
    ["saliency eval", "--saliency.scope crop"],
  ])("says that %s has no use for %s", async (name, line) => {
    const [option, value] = line.split(" ");
    const masks = name === "views" ? [] : ["--masks", "m"];
    const { code, err } = await call(...name.split(" "), "photos", option, value, ...masks);
    expect(code).toBe(2);
    expect(err).toBe(
      `salmask: Expected settings that have an effect on ${name}, got ${option}. Leave it out; pretrain takes it.\n`,
    );
  });
});

describe("help", () => {
  it("shows the values that each setting accepts, and examples", async () => {
    const { out } = await call("pretrain", "--help");
    const flat = out.replace(/\s+/g, " ");
    expect(flat).toContain("vit_tiny, vit_small; default: resnet50");
    expect(flat).toContain("one of imagenet, small");
    expect(flat).toContain(`one of ${fillNames.join(", ")}`);
    expect(flat).toContain("one of query, key, both, none");
    expect(flat).toContain("--mask.ratio <a,b>");
    expect(flat).toContain("A range is two numbers, as 0.1,0.4");
    expect(flat).toContain(`--preset <name> settings by name (${presets})`);
    expect(flat).toContain("Examples: npx salmask pretrain photos");
  });

  it("shows only settings that affect the command", async () => {
    const { out } = await call("views", "--help");
    expect(out).toContain("--mask.fill");
    expect(out).not.toMatch(/--train\.|--epochs|--method\.|--saliency\.truth/);
    const scored = await call("saliency", "eval", "--help");
    expect(scored.out).toContain("--saliency.source");
    expect(scored.out).not.toMatch(/--mask\.|--train\./);
  });

  it.each([
    ...["demo", "pretrain", "probe", "finetune", "detect train", "detect eval", "views"],
    ...["experiment", "doctor", "saliency eval", "saliency train"],
  ])("of %s ends with examples that this command line takes", async (name) => {
    const { out } = await call(...name.split(" "), "--help");
    const examples = [...out.matchAll(/^ {2}npx salmask (.*)$/gm)].map(([, line]) => line);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) {
      // The error names the first unknown option, so all options before it are known.
      const { code, err } = await call(...example.split(" "), "--no-such-option");
      expect(code, example).toBe(2);
      expect(err, example).toContain("unknown option '--no-such-option'");
    }
  });

  it("says where to run it", async () => {
    expect((await call("--help")).out).toContain("inside the clone");
  });
});
