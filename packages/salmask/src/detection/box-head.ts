/** What a region shows, as a vector, and what class and box it says. */
import { type Generator, nn, type Tensor } from "@salmask/torch";
import { type Compute, inPrecision } from "../compute/compute.js";
import { TorchvisionModule } from "./torchvision-module.js";

/** What a box head makes of regions. */
export interface RegionFeatures {
  /** `[R, width]` */
  readonly vectors: Tensor;
  /** `[R, channels, rows, columns]`: what masks are found from; null where masks have feature maps of their own. */
  readonly maps: Tensor | null;
}

/** Pooled regions `[R, C, side, side]` to their features. */
export abstract class BoxHead extends TorchvisionModule<Tensor, RegionFeatures> {
  /** Length of the vectors. */
  abstract readonly width: number;
  /** What a batch without regions leaves without a gradient. */
  learned(): Tensor[] {
    return this.parameters();
  }
}

/** Two linear layers: the box head of torchvision's models with a pyramid, by its names. */
export class TwoMlpHead extends BoxHead {
  readonly fc6: nn.Linear;
  readonly fc7: nn.Linear;
  readonly #compute: Compute;

  constructor(
    inFeatures: number,
    override readonly width: number,
    compute: Compute,
    generator: Generator,
  ) {
    super();
    this.#compute = compute;
    this.fc6 = new nn.Linear(inFeatures, width, { generator });
    this.fc7 = new nn.Linear(width, width, { generator });
  }

  forward(regions: Tensor): RegionFeatures {
    const flat = regions.flatten({ startDim: 1 }); // [R, C side side]
    const layers = () => this.fc7.forward(this.fc6.forward(flat).relu()).relu(); // [R, width]
    const vectors = inPrecision(this.#compute, layers);
    return {
      vectors: this.#compute.precision === "float32" ? vectors : vectors.to({ dtype: "float32" }),
      maps: null,
    };
  }
}

/** What is said of regions. */
export interface BoxPredictions {
  /** Logits `[R, classes]`, the background's first. */
  readonly logits: Tensor;
  /** Changes of the box for each class, `[R, 4 classes]`. */
  readonly changes: Tensor;
}

/** A class and a box for each class: torchvision's `FastRCNNPredictor`. */
export class BoxPredictor extends TorchvisionModule<Tensor, BoxPredictions> {
  readonly clsScore: nn.Linear;
  readonly bboxPred: nn.Linear;

  /** `classes` with the background. */
  constructor(width: number, classes: number, generator: Generator) {
    super();
    this.clsScore = new nn.Linear(width, classes, { generator });
    this.bboxPred = new nn.Linear(width, 4 * classes, { generator });
  }

  /** `[R, width]`, float32, to float32. */
  forward(vectors: Tensor): BoxPredictions {
    return { logits: this.clsScore.forward(vectors), changes: this.bboxPred.forward(vectors) };
  }
}
