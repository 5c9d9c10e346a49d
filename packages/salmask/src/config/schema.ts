/** The whole configuration of a run: every setting with its unit, range and default, in one place. */
import { z } from "zod";
import { runlessSources } from "../saliency/registry.js";
import { paperThreshold } from "../saliency/threshold.js";

const share = () => z.number().min(0).max(1);
const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, { message: "expected the smaller number first" });
const odd = () =>
  z
    .int()
    .min(1)
    .refine((n) => n % 2 === 1, { message: "expected an odd number" });

const head = {
  temperature: z.number().positive().default(0.2).describe("divides the similarities"),
  dim: z.int().min(2).default(128).describe("length of an embedding"),
  hidden: z
    .int()
    .min(2)
    .optional()
    .describe("width of the projector's middle; default: the encoder's output"),
};
const mocov2 = z.strictObject({
  name: z.literal("mocov2").describe("how the views are compared: mocov2 (default) or simclr"),
  queue: z
    .int()
    .min(1)
    .default(65536)
    .describe("mocov2: past keys to compare with; at most a quarter of the photos is wise"),
  momentum: share().default(0.999).describe("mocov2: how slowly the key encoder follows the query encoder"),
  groups: z
    .int()
    .min(1)
    .default(4)
    .describe("mocov2: parts of a batch that are normalised apart, keys shuffled over them"),
  ...head,
});
const simclr = z.strictObject({ name: z.literal("simclr"), ...head });

/** The kind that is meant where none is named. */
const named = (name: string) => (given: unknown) =>
  typeof given === "object" && given !== null ? { name, ...given } : given;

const occlusionKinds = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("none").describe("a learned occlusion of the query: none (default), adios or adios-s"),
  }),
  z.strictObject({
    name: z.enum(["adios", "adios-s"]),
    masks: z.int().min(2).max(16).default(4).describe("adios: masks that share a view's pixels, N"),
    sparsity: z
      .number()
      .min(0)
      .default(0.75)
      .describe("adios: alpha, the weight of the penalty on masks without area"),
    channels: z
      .int()
      .min(1)
      .max(128)
      .default(8)
      .describe("adios: channels of the occlusion model's first level"),
    lr: z
      .number()
      .positive()
      .optional()
      .describe("adios: highest learning rate of the occlusion model; default: 0.5 x batch / 128"),
  }),
]);

export const configSchema = z
  .strictObject({
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0)
      .describe("names every random decision of the run"),
    threads: z
      .union([z.literal("auto"), z.int().min(1)])
      .default("auto")
      .describe("threads of one operator; auto: all cores"),
    device: z
      .enum(["auto", "cpu", "cuda"])
      .default("auto")
      .describe("what computes; auto: a GPU where libtorch finds one (cuda), else the CPU"),
    precision: z
      .enum(["auto", "float32", "bfloat16"])
      .default("auto")
      .describe("of the networks' products; weights stay float32; auto: bfloat16 on a GPU, float32 on a CPU"),
    data: z
      .strictObject({
        crop: z
          .int()
          .min(8)
          .max(1024)
          .default(224)
          .describe("side of a view in pixels; a multiple of the network's stride"),
        size: z
          .union([z.literal("auto"), z.int().min(8).max(2048)])
          .default("auto")
          .describe("side of a photo in the cache in pixels; auto: somewhat more than the crop"),
        cache: z.string().optional().describe("folder of the packed photos, shared by runs"),
      })
      .prefault({}),
    model: z
      .strictObject({
        arch: z.enum(["resnet18", "resnet50"]).default("resnet50").describe("the encoder"),
        width: z.int().min(4).max(512).default(64).describe("channels of the first stage"),
        stem: z
          .enum(["imagenet", "small"])
          .default("imagenet")
          .describe("small: for photos of 32 to 64 pixels"),
      })
      .prefault({}),
    method: z.preprocess(named("mocov2"), z.discriminatedUnion("name", [mocov2, simclr])).prefault({}),
    occlusion: z.preprocess(named("none"), occlusionKinds).prefault({}),
    augment: z
      .strictObject({
        scale: range(0, 1).default([0.2, 1]).describe("share of a photo's area that a crop covers"),
        ratio: range(0.01, 100)
          .default([3 / 4, 4 / 3])
          .describe("width over height of a crop"),
        flipProbability: share().default(0.5).describe("share of views mirrored"),
        jitterProbability: share().default(0.8).describe("share of views with changed colours"),
        brightness: share().default(0.4).describe("largest change of brightness"),
        contrast: share().default(0.4).describe("largest change of contrast"),
        saturation: share().default(0.4).describe("largest change of saturation"),
        hue: z.number().min(0).max(0.5).default(0.1).describe("largest shift of hue, in turns"),
        grayscaleProbability: share().default(0.2).describe("share of grey views"),
        blurProbability: share().default(0.5).describe("share of blurred views"),
        blurSigma: range(0, 100)
          .default([0.1, 2])
          .describe("standard deviation of the blur in pixels of a 224-pixel crop"),
      })
      .prefault({}),
    mask: z
      .strictObject({
        fill: z
          .enum(["high-pass", "blur", "mean", "none"])
          .default("high-pass")
          .describe("what masked cells become; none: plain contrast"),
        branch: z
          .enum(["query", "key", "both", "none"])
          .default("query")
          .describe("which encoder's view is masked"),
        cells: z
          .enum(["saliency", "random"])
          .default("saliency")
          .describe("random: the control that ignores the object"),
        ratio: range(0, 1).default([0.05, 0.25]).describe("share of a view's cells to mask"),
        foregroundShare: share()
          .optional()
          .describe(
            "share of the masked cells that falls on the object; default: as much as of the background",
          ),
        negative: z
          .strictObject({
            weight: z.number().min(0).default(2).describe("rho, the factor on a hard negative's similarity"),
            count: z.int().min(0).max(8).default(1).describe("hard negatives of each photo"),
            ratio: range(0, 1).default([0.4, 0.7]).describe("share of the object to remove"),
            of: z
              .enum(["own", "shared"])
              .default("own")
              .describe(
                "shared: the released code's fault, the first photo's for the whole batch; for study",
              ),
          })
          .prefault({}),
        highPass: z
          .strictObject({
            kernel: odd().default(11).describe("side of the filter's Gaussian in pixels"),
            sigma: z.number().positive().default(5).describe("its standard deviation in pixels"),
            noise: z
              .tuple([z.number().min(0), z.number().min(0)])
              .default([0.18, 0.14])
              .describe("standard deviation of the noise: query, hard negative"),
            focal: share().default(0.2).describe("share of views masked by one window"),
            channelwise: share().default(0.7).describe("share of the others whose channels are masked apart"),
          })
          .prefault({}),
        blur: z
          .strictObject({
            kernel: odd().default(31).describe("side of the strong blur's Gaussian in pixels"),
            sigma: z.number().positive().default(10).describe("its standard deviation in pixels"),
          })
          .prefault({}),
      })
      .prefault({}),
    saliency: z
      .strictObject({
        source: z
          .enum(["scda", "own", ...runlessSources, "onnx", "maps"])
          .default("scda")
          .describe(
            "what says where the object is: a frozen network (scda), the run's own encoder, a formula, a network in an ONNX file (onnx), maps in files (maps), or a control (centre, uniform)",
          ),
        maps: z
          .string()
          .optional()
          .describe("of maps: a folder with NAME.png for each photo NAME, brighter where the object is"),
        truth: z
          .string()
          .optional()
          .describe(
            "a folder with NAME.png for each photo NAME, white on its object, to log how well saliency finds it",
          ),
        shuffled: z
          .boolean()
          .default(false)
          .describe("the control that gives each photo another photo's map"),
        weights: z
          .string()
          .optional()
          .describe(
            "of scda: safetensors of the network, by default of the localization network that ships; of onnx: the ONNX file",
          ),
        warmupEpochs: z
          .int()
          .min(0)
          .default(5)
          .describe("of own: unmasked epochs before the encoder is frozen"),
        refreshEvery: z
          .int()
          .min(1)
          .optional()
          .describe("of own: epochs after which the encoder is frozen anew; default: once"),
        threshold: z
          .strictObject({
            rule: z
              .enum(["deviations", "mean", "otsu", "top-share"])
              .default(paperThreshold.rule)
              .describe("what tells object from background; the paper's is deviations"),
            deviations: z
              .number()
              .default(paperThreshold.deviations)
              .describe("k of deviations: the object is what reaches the mean less k standard deviations"),
            share: share()
              .default(paperThreshold.share)
              .describe("of top-share: the object's share of the cells"),
            component: z
              .enum(["all", "largest"])
              .default(paperThreshold.component)
              .describe("largest: only the largest part that hangs together"),
          })
          .prefault({}),
        scope: z
          .enum(["crop", "photo"])
          .default("photo")
          .describe(
            "photo: one map a photo, made once and cropped like its views; crop: the paper's way, each step",
          ),
      })
      .prefault({}),
    train: z
      .strictObject({
        epochs: z.int().min(1).default(200).describe("passes over the photos"),
        batchSize: z.int().min(2).default(128).describe("photos of a step"),
        lr: z
          .number()
          .positive()
          .optional()
          .describe(
            "highest learning rate; default: 0.03 x batch / 256 with sgd, 0.3 x batch / 256 with lars",
          ),
        optimizer: z
          .enum(["sgd", "lars"])
          .optional()
          .describe("how weights move; default: sgd for mocov2, lars for simclr"),
        lrWarmupEpochs: z
          .int()
          .min(0)
          .optional()
          .describe(
            "epochs in which the learning rate rises; default: none with sgd, 10 with lars, a tenth at most",
          ),
        weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
        momentum: share().default(0.9).describe("momentum of the optimizer"),
        checkpointEvery: z.int().min(1).default(1).describe("epochs between checkpoints"),
        keep: z.int().min(1).default(2).describe("checkpoints that are kept"),
        logEvery: z.int().min(1).default(10).describe("steps between lines of metrics"),
        varianceEvery: z
          .int()
          .min(0)
          .default(1)
          .describe("epochs between looks at how one photo's embeddings vary over its views; 0: never"),
      })
      .prefault({}),
  })
  .superRefine(({ occlusion, mask }, context) => {
    if (occlusion.name === "none" || mask.fill === "none") return;
    context.addIssue({
      code: "custom",
      path: ["mask", "fill"],
      message: `expected none beside occlusion.name ${occlusion.name}, which masks the query itself`,
    });
  });

/** A run's settings, complete. */
export type RunConfig = z.infer<typeof configSchema>;

/** A setting as people address it: its dotted key, what it means and what it is without being set. */
export interface Setting {
  key: string;
  description: string;
  default: unknown;
}

/** Every setting of the schema, in its order; of a choice between kinds, those of each. */
export function settings(): Setting[] {
  const defaults: unknown = configSchema.parse({});
  const collect = (shape: Record<string, z.core.$ZodType>, prefix: string, values: unknown): Setting[] =>
    Object.entries(shape).flatMap(([name, type]) => {
      const key = `${prefix}${name}`;
      const value: unknown =
        typeof values === "object" && values !== null ? Reflect.get(values, name) : undefined;
      const kinds = objectsOf(type);
      if (kinds.length > 0) return kinds.flatMap(({ shape: inner }) => collect(inner, `${key}.`, value));
      return [{ key, description: z.globalRegistry.get(type)?.description ?? "", default: value }];
    });
  const found = new Map<string, Setting>();
  for (const setting of collect(configSchema.shape, "", defaults)) {
    if (!found.has(setting.key)) found.set(setting.key, setting);
  }
  return [...found.values()];
}

/** The objects that a type stands for: one, several to choose from, or none where it is a plain value. */
function objectsOf(type: z.core.$ZodType): z.ZodObject[] {
  if (type instanceof z.ZodObject) return [type];
  if (type instanceof z.ZodPrefault) return objectsOf(type.unwrap());
  if (type instanceof z.ZodPipe) return objectsOf(type.out);
  if (type instanceof z.ZodDiscriminatedUnion) return type.options.flatMap(objectsOf);
  return [];
}
