import { type nn, scope } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { weightsOf } from "../../runs/run-weights.js";
import type { Method } from "../../ssl/method.js";
import { loadBackbone } from "../../weights/files.js";

/**
 * Gives a method's encoder, and its momentum copy, the weights of a run's folder or of a safetensors file; heads stay as they are. Throws
 * CheckpointError, and {@link UsageError} `other-network` where the file holds another network than the settings say.
 */
export function startFrom(
  { backbone, momentumBackbone }: Pick<Method, "backbone" | "momentumBackbone">,
  run: string,
): void {
  const { path } = weightsOf(run);
  const { backbone: given } = loadBackbone(path);
  try {
    scope(() => {
      const state = given.stateDict();
      if (shapesOf(state) !== shapesOf(backbone.stateDict())) {
        const { arch, width, stem } = given.spec;
        throw new UsageError(
          "other-network",
          `Expected weights of ${backbone.spec.arch} (width ${backbone.spec.width}, stem ${backbone.spec.stem}) for train.init, got those of ` +
            `${arch} in ${path}. Give --arch ${arch} --width ${width} --stem ${stem}`,
        );
      }
      for (const network of new Set([backbone, momentumBackbone])) network.loadStateDict(state);
    });
  } finally {
    given.dispose();
  }
}

const shapesOf = (state: nn.StateDict): string =>
  JSON.stringify(
    Object.keys(state)
      .sort()
      .map((name) => [name, state[name].shape]),
  );
