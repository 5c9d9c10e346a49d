import { fromTypedArray, Generator, KeyedRandom, nn, noGrad, ops, optim, scope } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import { onCpu, runLayers } from "../../compute/compute.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { countEqual } from "../../metrics/knn.js";
import type { ResNet } from "../../models/resnet.js";
import { drawView, renderView, type ViewOptions } from "../../views/index.js";
import { extractFeatures, type FeatureOptions } from "./features.js";

export interface PaperLinearOptions extends FeatureOptions {
  seed: number;
  lr: number;
  epochs: number;
  /** Epochs from which the learning rate is a tenth of what it was. */
  milestones: readonly number[];
  momentum: number;
}

/** MoCo's protocol, which the paper keeps (released code, `main_lincls.py`). */
export const paperLinearDefaults: Pick<
  PaperLinearOptions,
  "lr" | "epochs" | "milestones" | "momentum" | "batchSize"
> = { lr: 30, epochs: 100, milestones: [60, 80], momentum: 0.9, batchSize: 256 };

/** The probe's augmentation: crops and mirrors, nothing that changes colours. */
const probeView: ViewOptions = {
  ...{ scale: [0.08, 1], ratio: [3 / 4, 4 / 3], flipProbability: 0.5 },
  ...{ jitterProbability: 0, brightness: 0, contrast: 0, saturation: 0, hue: 0 },
  ...{ grayscaleProbability: 0, blurProbability: 0, blurSigma: [0, 0] },
};

/**
 * The paper's linear probe: a linear layer on the frozen encoder in eval mode, trained by SGD on augmented photos
 * and scored on central crops after the last epoch, not the best. Photos are filtered where the encoder was
 * trained on filtered ones. Returns the share of test photos classified rightly, 0 to 1.
 */
export function paperLinear(
  backbone: ResNet,
  train: PackedDataset,
  test: PackedDataset,
  options: PaperLinearOptions,
  onEpoch: (epoch: number, loss: number) => void = () => {},
): number {
  const { seed, lr, epochs, milestones, momentum, batchSize, crop, fill } = options;
  const classes = train.classes.length;
  const generator = new Generator(new KeyedRandom(seed, purpose.probe).uint32());
  const classifier = noGrad(() => new nn.Linear(backbone.outChannels, classes, { generator }));
  noGrad(() => {
    classifier.weight.normal_({ std: 0.01, generator });
    classifier.bias?.zero_();
  });
  const optimizer = new optim.SGD(classifier.namedParameters(), { lr, momentum });
  const schedule = optim.multiStep(lr, milestones);
  backbone.eval();
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      optimizer.lr = schedule(epoch);
      let loss = 0;
      const parts = batches(epochOrder(seed, epoch, train.length), Math.min(batchSize, train.length));
      for (const ids of parts) {
        loss += scope(() => {
          const draw = drawView({ seed, epoch, view: 0 }, ids, train.originalSizes, train.size, probeView);
          const photos = renderView(train.images(ids), draw, { crop }); // [B, 3, crop, crop]
          const features = noGrad(() =>
            runLayers(onCpu, fill.prepare(photos), (seen) => backbone.forward(seen)),
          ); // [B, outChannels]
          const labels = Int32Array.from(ids, (id) => train.labels[id]);
          const target = fromTypedArray(labels, [ids.length]).toCopy({ dtype: "int64" }); // [B]
          const crossEntropy = ops.crossEntropyLoss(classifier.forward(features), target); // []
          crossEntropy.backward();
          optimizer.step();
          optimizer.zeroGrad();
          return crossEntropy.item();
        });
      }
      onEpoch(epoch, loss / parts.length);
    }
    return scope(() => {
      const features = extractFeatures(backbone, test, options); // [M, outChannels]
      const scores = noGrad(() => classifier.forward(features)); // [M, classes]
      return countEqual(scores.argmax({ dim: 1 }), test.labels) / test.length;
    });
  } finally {
    optimizer.dispose();
    classifier.dispose();
  }
}
