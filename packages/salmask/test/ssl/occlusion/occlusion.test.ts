import { Generator, ops, optim, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema } from "../../../src/config/schema.js";
import type { Compare, Method } from "../../../src/ssl/method.js";
import { Moco } from "../../../src/ssl/moco.js";
import {
  type Occluded,
  Occlusion,
  type OcclusionKey,
  type OcclusionOptions,
} from "../../../src/ssl/occlusion/occlusion.js";
import { builtInMethods } from "../../../src/ssl/registry.js";
import { SimClr } from "../../../src/ssl/simclr.js";
import type { BatchViews } from "../../../src/views/view.js";
import { atStep, batchOf, compare, sourcesOf } from "../compare.js";

const batch = 8;
const key: OcclusionKey = { epoch: 0, ids: Int32Array.from({ length: batch }, (_, i) => 3 * i) };
const options: OcclusionOptions = { seed: 2, name: "adios", crop: 16, masks: 3, sparsity: 0, channels: 4 };
const shared = {
  seed: 3,
  temperature: 0.2,
  negativeWeight: 1,
  encoder: { backbone: { arch: "resnet18", stem: "small", width: 4 }, dim: 8 },
} as const;
/** A method of the registry, with small heads. */
const small = (method: object) => {
  const config = configSchema.parse({
    seed: 3,
    data: { crop: 16, size: 16 },
    model: { arch: "resnet18", stem: "small", width: 4 },
    method: { dim: 8, hidden: 16, predictorHidden: 16, ...method },
  });
  return builtInMethods.create(config, onCpu);
};
/** The hosts of ADIOS's paper, and MoCo v2. */
const hosts = {
  simclr: () => new SimClr(shared),
  mocov2: () => new Moco({ ...shared, queue: 16, momentum: 0.9, groups: 1 }),
  byol: () => small({ name: "byol" }),
  simsiam: () => small({ name: "simsiam" }),
};

/** A method, its occlusion model, and the model's optimizer; all are freed at the end. */
function play<T>(
  host: keyof typeof hosts,
  change: Partial<OcclusionOptions>,
  use: (method: Method, occlusion: Occlusion, optimizer: optim.Optimizer) => T,
): T {
  const method: Method = hosts[host]();
  const occlusion = new Occlusion({ ...options, ...change });
  const optimizer = new optim.SGD(occlusion.model.namedParameters(), { lr: 0, momentum: 0.9 });
  try {
    return use(method, occlusion, optimizer);
  } finally {
    method.learned.zeroGrad();
    optimizer.dispose();
    method.dispose();
    occlusion.dispose();
  }
}

/** One step of the occlusion model on a batch. */
function learn(occluded: Occluded, compare: Compare, method: Method, optimizer: optim.Optimizer): void {
  for (const { loss } of occluded.losses(compare, method.learned)) loss.backward();
  optimizer.step();
  optimizer.zeroGrad();
}

/** Different photos, with two similar views of each. */
function views(): BatchViews {
  const generator = new Generator(5);
  const photos = randn([batch, 3, 16, 16], { generator });
  const view = () => photos.add(randn([batch, 3, 16, 16], { generator }).mul(0.3));
  return batchOf(view(), view());
}

/** The method's loss against a batch's keys, summed over the occluded versions. */
function lossOf(compare: Compare, versions: Occluded["versions"]): number {
  return scope(() =>
    versions.map((sources) => compare(sources).loss.item()).reduce((sum, loss) => sum + loss, 0),
  );
}

const same = (a: Tensor, b: Tensor) => a.sub(b).abs().amax().item() === 0;

/** Which of a photo's masks `[N, H, W]` has hidden a part of it, `[3, H, W]` each. */
function maskIn(hidden: Tensor, photo: Tensor, masks: Tensor): number {
  const apart = Array.from({ length: masks.shape[0] }, (_, n) =>
    photo.mul(masks.select(0, n)).add(hidden).sub(photo).abs().amax().item(),
  );
  const least = Math.min(...apart);
  expect(least).toBeLessThan(1e-5);
  return apart.indexOf(least);
}

const stateOf = (method: Method) =>
  scope(() => Object.values(method.state()).flatMap((tensor) => tensor.toArray()));

/** Each host, and by which of both it is tried for longer. */
const pairs = [
  ["simclr", "adios"],
  ["mocov2", "adios-s"],
  ["byol", "adios-s"],
  ["simsiam", "adios"],
] as const;

describe.each(pairs)("Occlusion against %s", (host, name) => {
  it("increases the loss that the method reduces, each player changing only its own weights", () => {
    play(host, {}, (method, occlusion, optimizer) =>
      scope(() => {
        const batch = views();
        const sources = sourcesOf(method, batch);
        const compare = method.against(batch, atStep(0));
        const before = lossOf(compare, occlusion.occlude(sources, key).versions);
        const state = stateOf(method);
        optimizer.lr = 0.02;
        for (let i = 0; i < 5; i++) learn(occlusion.occlude(sources, key), compare, method, optimizer);
        expect(stateOf(method)).toEqual(state);
        const { versions } = occlusion.occlude(sources, key);
        const raised = lossOf(compare, versions);
        expect(raised).toBeGreaterThan(before);
        expect(method.learned.parameters().every((parameter) => parameter.grad === null)).toBe(true);

        const sgd = new optim.SGD(method.learned.namedParameters(), { lr: 0.01 });
        for (let i = 0; i < 5; i++) {
          for (const occluded of versions) compare(occluded).loss.backward();
          sgd.step();
          sgd.zeroGrad();
        }
        sgd.dispose();
        expect(lossOf(compare, versions)).toBeLessThan(raised);
      }),
    );
  });

  it(`lets the method learn against it: ${name}`, () => {
    const [first, last] = play(host, { name, sparsity: 0.75 }, (method, occlusion, optimizer) => {
      const sgd = new optim.SGD(method.learned.namedParameters(), { lr: 0.02, momentum: 0.9 });
      optimizer.lr = 0.01;
      const unoccluded = () => scope(() => compare(method, views()).loss.item());
      const before = unoccluded();
      for (let step = 0; step < 16; step++) {
        scope(() => {
          const batch = views();
          const occluded = occlusion.occlude(sourcesOf(method, batch), key);
          const against = method.against(batch, atStep(step));
          for (const sources of occluded.versions) against(sources).loss.backward();
          sgd.step();
          sgd.zeroGrad();
          learn(occluded, against, method, optimizer);
        });
      }
      sgd.dispose();
      return [before, unoccluded()];
    });
    // SimSiam's loss is a similarity between 1 and -1, the best; the others' are positive.
    expect(last).toBeLessThan(host === "simsiam" ? first - 0.3 : 0.7 * first);
  });
});

describe("Occlusion", () => {
  it("applies each mask once, so that the occluded versions add up to the whole picture", () => {
    play("simclr", {}, (method, occlusion) =>
      scope(() => {
        const sources = sourcesOf(method, views());
        const { versions, maskedShare } = occlusion.occlude(sources, key);
        expect(versions.map(({ length }) => length)).toEqual([1, 1, 1]);
        const sum = versions.map(([occluded]) => occluded).reduce((total, occluded) => total.add(occluded));
        // sum of x (1 - m_n) over N masks that add up to 1 is (N - 1) x
        expect(sum.sub(sources[0].mul(2)).abs().amax().item()).toBeLessThan(1e-4);
        expect(maskedShare()).toBeCloseTo(1 / 3, 5);
      }),
    );
  });

  it("draws one mask per photo for ADIOS-s, from epoch and photo, not from its position in the batch", () => {
    play("simclr", {}, (method, all) =>
      play("simclr", { name: "adios-s" }, (_, some) =>
        scope(() => {
          const sources = sourcesOf(method, views());
          const versions = all.occlude(sources, key).versions.map(([occluded]) => occluded);
          const chosen = (epoch: number) => {
            const [[occluded]] = some.occlude(sources, { ...key, epoch }).versions;
            return Array.from({ length: batch }, (_, row) =>
              versions.findIndex((version) => same(version.select(0, row), occluded.select(0, row))),
            );
          };
          const first = chosen(0);
          expect(first.every((n) => n >= 0)).toBe(true);
          expect(new Set(first).size).toBeGreaterThan(1);
          expect(chosen(0)).toEqual(first);
          expect(chosen(1)).not.toEqual(first);
          const reversed = { ...key, ids: Int32Array.from(key.ids).reverse() };
          const [[occluded]] = some.occlude(sources, reversed).versions;
          const last = versions[first[0]].select(0, batch - 1);
          expect(same(occluded.select(0, batch - 1), last)).toBe(true);
        }),
      ),
    );
  });

  it.each(["adios", "adios-s"] as const)(
    "learns by the gradient of the whole objective, under the masks that the method sees: %s",
    (name) => {
      play("byol", { name, sparsity: 0.75 }, (method, occlusion) =>
        scope(() => {
          const batch = views();
          const sources = sourcesOf(method, batch);
          expect(sources.length).toBe(2);
          const compare = method.against(batch, atStep(0));
          const { model } = occlusion;
          const gradient = () =>
            ops.cat(model.parameters().map(({ grad, numel }) => grad!.clone().reshape([numel])));
          const { versions, losses } = occlusion.occlude(sources, key);
          expect(versions.length).toBe(name === "adios" ? 3 : 1);
          for (const { loss } of losses(compare, method.learned)) loss.backward();
          const found = gradient(); // [P]
          model.zeroGrad();

          // The same in one graph from the model to the objective.
          const masks = sources.map((source) => model.forward(source)); // [B, N, H, W] each
          const hidden = versions.map((version) =>
            sources.map((source, i) => {
              const chosen = Array.from({ length: source.shape[0] }, (_, row) => {
                const of = masks[i].select(0, row); // [N, H, W]
                return of.select(0, maskIn(version[i].select(0, row), source.select(0, row), of)); // [H, W]
              });
              // To the last bit what the method saw: another bit may cut a ReLU off, and its gradient jumps.
              return source.mul(ops.stack(chosen).unsqueeze(1).neg().add(1)); // [B, 3, H, W]
            }),
          );
          const seen = hidden.map((each) => compare(each).loss).reduce((sum, loss) => sum.add(loss));
          const penalties = masks.map((each) => each.mean([2, 3]).mul(Math.PI).sin().pow(-1).mean([0]).sum());
          const penalty = penalties.reduce((sum, one) => sum.add(one)).mul(0.75);
          penalty.sub(seen).backward();
          const expected = gradient(); // [P]
          model.zeroGrad();
          const norm = (one: Tensor) => one.pow(2).sum().sqrt().item();
          expect(norm(found.sub(expected))).toBeLessThan(1e-4 * norm(expected));
        }),
      );
    },
  );

  it("leaves what the method does not learn as it is", () => {
    const config = configSchema.parse({
      data: { crop: 16, size: 16 },
      model: { arch: "vit_tiny", width: 48, patch: 8, positions: 2 },
      method: { name: "mocov3", dim: 8, hidden: 16, predictorHidden: 16 },
    });
    const method = builtInMethods.create(config, onCpu);
    const occlusion = new Occlusion({ ...options, name: "adios-s" });
    const frozen = () =>
      Array.from(method.learned.namedParameters())
        .filter(([, { requiresGrad }]) => !requiresGrad)
        .map(([name]) => name);
    const before = frozen();
    expect(before).not.toEqual([]);
    scope(() => {
      const batch = views();
      const { losses } = occlusion.occlude(sourcesOf(method, batch), key);
      for (const { loss } of losses(method.against(batch, atStep(0)), method.learned)) loss.backward();
    });
    expect(frozen()).toEqual(before);
    occlusion.model.zeroGrad();
    method.dispose();
    occlusion.dispose();
  });

  it("prevents empty masks if sparsity is set", () => {
    const smallest = (sparsity: number) =>
      play("simclr", { sparsity }, (method, occlusion, optimizer) => {
        optimizer.lr = 0.05;
        for (let i = 0; i < 10; i++) {
          scope(() => {
            const batch = views();
            const occluded = occlusion.occlude(sourcesOf(method, batch), key);
            learn(occluded, method.against(batch, atStep(0)), method, optimizer);
          });
        }
        return scope(() =>
          occlusion.model.forward(sourcesOf(method, views())[0]).mean([0, 2, 3]).amin().item(),
        );
      });
    expect(smallest(2)).toBeGreaterThan(smallest(0));
  });
});
