import { Generator, optim, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { Compare, Method, Views } from "../../../src/ssl/method.js";
import { Moco } from "../../../src/ssl/moco.js";
import { Adversary, type AdversaryOptions, type OcclusionKey } from "../../../src/ssl/occlusion/adversary.js";
import { SimClr } from "../../../src/ssl/simclr.js";
import { compare } from "../compare.js";

const batch = 8;
const key: OcclusionKey = { epoch: 0, ids: Int32Array.from({ length: batch }, (_, i) => 3 * i) };
const options: AdversaryOptions = {
  ...{ seed: 2, name: "adios", crop: 16, masks: 3, sparsity: 0, channels: 4 },
  ...{ momentum: 0.9, weightDecay: 0 },
};
const shared = {
  ...{ seed: 3, temperature: 0.2, negativeWeight: 1 },
  encoder: { depth: 18, stem: "small", width: 4, dim: 8 },
} as const;
const hosts: Record<string, () => Method> = {
  simclr: () => new SimClr(shared),
  mocov2: () => new Moco({ ...shared, queue: 16, momentum: 0.9, groups: 1 }),
};

/** A method and its adversary, freed at the end. */
function play<T>(
  host: string,
  change: Partial<AdversaryOptions>,
  use: (method: Method, adversary: Adversary) => T,
): T {
  const method = hosts[host]();
  const adversary = new Adversary({ ...options, ...change });
  try {
    return use(method, adversary);
  } finally {
    method.learned.zeroGrad();
    method.dispose();
    adversary.dispose();
  }
}

/** Photos that differ, two views of each that are alike. */
function views(): Views {
  const generator = new Generator(5);
  const photos = randn([batch, 3, 16, 16], { generator });
  const view = () => photos.add(randn([batch, 3, 16, 16], { generator }).mul(0.3));
  return { query: view(), key: view(), negatives: null, negativeRows: null, negativeValid: null };
}

/** The method's loss against a batch's keys, summed over the occluded queries. */
function lossOf(compare: Compare, queries: readonly Tensor[]): number {
  return scope(() => queries.map((query) => compare(query).loss.item()).reduce((sum, loss) => sum + loss, 0));
}

const same = (a: Tensor, b: Tensor) => a.sub(b).abs().amax().item() === 0;

const stateOf = (method: Method) =>
  scope(() => Object.values(method.state()).flatMap((tensor) => tensor.toArray()));

describe.each(Object.keys(hosts))("Adversary of %s", (host) => {
  it("raises the loss that the method lowers, each with its own weights alone", () => {
    play(host, {}, (method, adversary) =>
      scope(() => {
        const { query, ...others } = views();
        const compare = method.against(others, 0);
        const before = lossOf(compare, adversary.occlude(query, key).queries);
        const state = stateOf(method);
        adversary.optimizer.lr = 0.02;
        for (let i = 0; i < 5; i++) adversary.occlude(query, key).learn(compare, method.learned);
        expect(stateOf(method)).toEqual(state);
        const { queries } = adversary.occlude(query, key);
        const raised = lossOf(compare, queries);
        expect(raised).toBeGreaterThan(before);
        expect(method.learned.parameters().every((parameter) => parameter.grad === null)).toBe(true);

        const optimizer = new optim.SGD(method.learned.namedParameters(), { lr: 0.01 });
        for (let i = 0; i < 5; i++) {
          for (const occluded of queries) compare(occluded).loss.backward();
          optimizer.step();
          optimizer.zeroGrad();
        }
        optimizer.dispose();
        expect(lossOf(compare, queries)).toBeLessThan(raised);
      }),
    );
  });

  it.each(["adios", "adios-s"] as const)("lets the method learn against it: %s", (name) => {
    const [first, last] = play(host, { name, sparsity: 0.75 }, (method, adversary) => {
      const optimizer = new optim.SGD(method.learned.namedParameters(), { lr: 0.02, momentum: 0.9 });
      adversary.optimizer.lr = 0.01;
      const unoccluded = () => scope(() => compare(method, views()).loss.item());
      const before = unoccluded();
      for (let step = 0; step < 16; step++) {
        scope(() => {
          const { query, ...others } = views();
          const occlusion = adversary.occlude(query, key);
          const against = method.against(others, step);
          for (const occluded of occlusion.queries) against(occluded).loss.backward();
          optimizer.step();
          optimizer.zeroGrad();
          occlusion.learn(against, method.learned);
        });
      }
      optimizer.dispose();
      return [before, unoccluded()];
    });
    expect(last).toBeLessThan(0.7 * first);
  });
});

describe("Adversary", () => {
  it("takes each mask from the query once, so that the versions' losses add up to the whole picture", () => {
    play("simclr", {}, (_, adversary) =>
      scope(() => {
        const { query } = views();
        const { queries, maskedShare } = adversary.occlude(query, key);
        expect(queries.length).toBe(3);
        const sum = queries.reduce((total, occluded) => total.add(occluded));
        // sum of x (1 - m_n) over N masks that add up to 1 is (N - 1) x
        expect(sum.sub(query.mul(2)).abs().amax().item()).toBeLessThan(1e-4);
        expect(maskedShare()).toBeCloseTo(1 / 3, 5);
      }),
    );
  });

  it("draws one mask a photo for ADIOS-s, by epoch and photo, not by its place in the batch", () => {
    play("simclr", {}, (_, all) =>
      play("simclr", { name: "adios-s" }, (_, some) =>
        scope(() => {
          const { query } = views();
          const versions = all.occlude(query, key).queries;
          const chosen = (epoch: number) => {
            const [occluded] = some.occlude(query, { ...key, epoch }).queries;
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
          const [occluded] = some.occlude(query, reversed).queries;
          const last = versions[first[0]].select(0, batch - 1);
          expect(same(occluded.select(0, batch - 1), last)).toBe(true);
        }),
      ),
    );
  });

  it("keeps masks from being empty where sparsity asks for it", () => {
    const smallest = (sparsity: number) =>
      play("simclr", { sparsity }, (method, adversary) => {
        adversary.optimizer.lr = 0.05;
        for (let i = 0; i < 10; i++) {
          scope(() => {
            const { query, ...others } = views();
            adversary.occlude(query, key).learn(method.against(others, 0), method.learned);
          });
        }
        return scope(() => adversary.model.forward(views().query).mean([0, 2, 3]).amin().item());
      });
    expect(smallest(2)).toBeGreaterThan(smallest(0));
  });
});
