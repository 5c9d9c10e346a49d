import {
  Generator,
  KeyedRandom,
  keep,
  type nn,
  noGrad,
  ops,
  scope,
  type Tensor,
  zeros,
} from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { onCpu, ranksOf } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import { dinoProjector, UnitLinear } from "../models/dino-head.js";
import { type EncoderOptions, projectedEncoder } from "../models/encoder.js";
import { isTransformer } from "../models/settings.js";
import { joinParts, partOf } from "../models/state-dict.js";
import type { Progress } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";
import { clipEachGradient } from "./clip-gradients.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { DinoSettings } from "./dino-settings.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { mirroredSources, mirroredTargets } from "./mirrored-views.js";
import { follow, risingMomentum } from "./momentum.js";
import { bySize, multiCropViews } from "./multi-crop.js";
import { PrototypeNetwork } from "./prototype-network.js";
import { prototypeUse } from "./prototype-use.js";
import { swappedCrossEntropy } from "./swapped-prediction.js";
import { Waiting } from "./waiting.js";

/** The teacher's temperature over the epochs. */
export interface TeacherTemperature {
  readonly start: number;
  readonly end: number;
  readonly warmupEpochs: number;
}

export interface DinoOptions {
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  /** Whether the head has batch norm. */
  readonly normInHead: boolean;
  /** K, the length of the outputs. */
  readonly prototypes: number;
  /** Epochs at the start in which the prototypes, the last layer, do not change. */
  readonly frozenEpochs: number;
  /** Of the student. */
  readonly temperature: number;
  readonly teacherTemperature: TeacherTemperature;
  /** m at the start in `teacher = m * teacher + (1 - m) * student`, after every step. */
  readonly momentum: number;
  readonly centreMomentum: number;
  /** Largest length of the gradient of one parameter tensor. */
  readonly clipGradient: number;
  /** Weight decay at the end, as a multiple of that at the start. */
  readonly weightDecayGrowth: number;
}

/** From `start` in the first epoch to `end` in the last one of the warm-up, evenly; then `end`. */
export function teacherTemperatureAt(
  { start, end, warmupEpochs }: TeacherTemperature,
  epoch: number,
): number {
  if (epoch >= warmupEpochs) return end;
  return start + (end - start) * (epoch / Math.max(1, warmupEpochs - 1));
}

/**
 * DINO (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers"): a student predicts the centred and
 * sharpened outputs of a momentum copy, its teacher, for the other crops. The teacher sees the large crops whole; the student sees
 * them masked, and the small crops. As in the released code, gradients are clipped for each parameter tensor, and weight decay is
 * for weights alone, not for biases and norms.
 */
export class Dino implements Method {
  readonly name = "dino";
  readonly student: PrototypeNetwork;
  readonly teacher: PrototypeNetwork;
  /** `[K]`: the moving mean of the teacher's outputs. */
  readonly centre: Tensor;
  /** `[K]` each: the means of the teacher's outputs of this step, from `against` until `afterStep`. */
  private readonly means = new Waiting();

  constructor(private readonly options: DinoOptions) {
    const { seed, encoder, prototypes, normInHead } = options;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(seed, purpose.weights, part).uint32());
    const { dim, compute = onCpu } = encoder;
    const projector = dinoProjector({ isNormalised: normInHead });
    const network = () =>
      new PrototypeNetwork(
        projectedEncoder(encoder, generatorFor(0), projector),
        new UnitLinear(dim, prototypes, generatorFor(1)),
        compute,
      );
    this.student = network();
    this.teacher = network();
    this.teacher.setRequiresGrad(false);
    this.centre = keep(zeros([prototypes], { device: compute.device }));
  }

  get learned(): nn.Module {
    return this.student;
  }

  get backbone(): Backbone {
    return this.student.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.teacher.encoder.backbone;
  }

  /** The large crops. Small ones are sources too, but never masked or occluded. */
  sources(views: readonly View[]): readonly View[] {
    return mirroredSources(views, this.options.branch);
  }

  against({ views }: BatchViews, { epoch }: Progress): Compare {
    const [first, second] = mirroredTargets(views, this.options.branch); // [B, 3, H, W] each
    const batch = first.shape[0];
    const ranks = ranksOf(this.options.encoder.compute);
    const { targets, keys } = noGrad(() => scope(() => this.teach(ops.cat([first, second]), epoch))); // [2 B, K], [2 B, dim]
    return (sources) => {
      const embeddings = this.student.embed(bySize(sources, views)); // [V B, dim]
      const outputs = this.student.prototypes.forward(embeddings).div(this.options.temperature); // [V B, K]
      const loss = swappedCrossEntropy(targets.split(batch), outputs.split(batch)); // []
      const [query, key] = [embeddings.narrow(0, 0, batch), keys.narrow(0, batch, batch)]; // [B, dim] each
      const logs = () => ({
        contrastAccuracy: contrastAccuracy(query, key, ranks).item(),
        ...scope(() => prototypeUse(ranks.gather(targets))),
      });
      return { loss, logs, embeddings: { query, key } };
    };
  }

  /** The teacher's targets for large crops `[2 B, 3, H, W]`; the centre follows at the end of the step. */
  private teach(pictures: Tensor, epoch: number): { targets: Tensor; keys: Tensor } {
    const { teacherTemperature } = this.options;
    const keys = this.teacher.embed([pictures]); // [2 B, dim]
    const outputs = this.teacher.prototypes.forward(keys); // [2 B, K]
    const sharpened = outputs.sub(this.centre).div(teacherTemperatureAt(teacherTemperature, epoch)); // [2 B, K]
    this.means.add(ranksOf(this.options.encoder.compute).mean(outputs.mean([0]))); // [K]
    return { targets: sharpened.softmax(1), keys };
  }

  embed({ views }: BatchViews): Embeddings {
    const [source] = this.sources(views);
    const [, target] = mirroredTargets(views, this.options.branch);
    return {
      query: this.student.encoder.evaluate(source.masked), // [B, dim]
      key: this.teacher.encoder.evaluate(target), // [B, dim]
    };
  }

  adjustGradients({ epoch }: Progress): void {
    clipEachGradient(this.student, this.options.clipGradient);
    if (epoch < this.options.frozenEpochs) this.student.prototypes.zeroGrad();
  }

  /** Along half a cosine from `usual` to the weight decay of the end. */
  weightDecay(usual: number, { step, stepsPerEpoch, epochs }: Progress): number {
    const end = usual * this.options.weightDecayGrowth;
    return end + ((usual - end) * (1 + Math.cos((Math.PI * step) / (stepsPerEpoch * epochs)))) / 2;
  }

  afterStep(progress: number): void {
    const { momentum, centreMomentum } = this.options;
    follow(this.teacher, this.student, risingMomentum(momentum, progress));
    this.means.take((means) => {
      const mean = ops.stack(means).mean([0]); // [K]
      this.centre.mul_(centreMomentum).add_(mean, { alpha: 1 - centreMomentum });
    });
  }

  state(): nn.StateDict {
    const networks = { student: this.student.stateDict(), teacher: this.teacher.stateDict() };
    return { centre: this.centre, ...joinParts(networks) };
  }

  loadState(state: nn.StateDict): void {
    this.means.dispose();
    this.student.loadStateDict(partOf(state, "student"));
    this.teacher.loadStateDict(partOf(state, "teacher"));
    noGrad(() => this.centre.copy_(state.centre));
  }

  dispose(): void {
    this.means.dispose();
    this.student.dispose();
    this.teacher.dispose();
    this.centre.dispose();
  }
}

/** The paper's optimizers: SGD for ConvNets (its released recipe for ResNet-50), AdamW for transformers (section 3.2). */
export const dino = (method: DinoSettings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, temperature, prototypes, frozenEpochs, momentum, centreMomentum } = method;
    const { teacherTemperature, teacherTemperatureStart, teacherWarmupEpochs } = method;
    return new Dino({
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      normInHead: method.normInHead,
      prototypes,
      frozenEpochs,
      temperature,
      teacherTemperature: {
        start: teacherTemperatureStart,
        end: teacherTemperature,
        warmupEpochs: teacherWarmupEpochs,
      },
      momentum,
      centreMomentum,
      clipGradient: method.clipGradient,
      weightDecayGrowth: method.weightDecayGrowth,
    });
  },
  recipe: (settings) => multiCropViews(settings, method),
  optimizer: ({ model }) =>
    isTransformer(model.arch) ? { name: "adamw", rate: 5e-4 } : { name: "sgd", rate: 0.03 },
});
