import { fromTypedArray, KeyedRandom, scope, type Tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configSchema, type RunConfig } from "../../src/config/schema.js";
import type { Fill } from "../../src/masking/fills/fill.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import type { Foreground } from "../../src/masking/foreground.js";
import { queryAndKey } from "../../src/ssl/query-and-key.js";
import { drawView } from "../../src/views/draw.js";
import type { ViewRecipe } from "../../src/views/recipe.js";
import { renderView } from "../../src/views/render.js";
import { type ObjectFinder, type Scene, seeViews } from "../../src/views/see.js";
import { type BatchViews, meanMaskedShare, mostlyLostShare, type View } from "../../src/views/view.js";
import { changed, equal, foreground, ids, left, right, total } from "../masking/crops.js";

const photos = 10;
const side = 32;
const cell = 8;
const config = configSchema.parse({ seed: 3 });
const paper = config.mask;
const mean: RunConfig["mask"] = { ...paper, fill: "mean" };

/** Random photos of 32 pixels, by number. */
const dataset: Scene["dataset"] = {
  size: side,
  originalSizes: new Int32Array(2 * photos).fill(side),
  images(asked) {
    const numbers = Array.from(asked);
    const pixels = numbers.flatMap((id) => {
      const random = new KeyedRandom(id, 5);
      return Array.from({ length: 3 * side * side }, () => random.integer(256));
    });
    return fromTypedArray(Uint8Array.from(pixels), [numbers.length, 3, side, side]);
  },
};

/**
 * Objects on the left in the first view and on the right in all others, for every photo; views of 16 pixels have 2 x 2
 * cells.
 */
const finder: ObjectFinder = {
  active: true,
  foregrounds: (views, { length }) =>
    views.map(({ pixels }, view) => {
      const cells = pixels.shape[2] / cell;
      const isLeft = (cell: number) => cell % cells < cells / 2;
      const map = Array.from({ length: cells ** 2 }, (_, cell) => Number(isLeft(cell) === (view === 0)));
      return foreground(Array.from({ length }, () => map));
    }),
};

const knowing = (objects: Foreground | null): ObjectFinder => ({
  active: true,
  foregrounds: (views) => views.map(() => objects),
});

interface Asked {
  readonly finder?: ObjectFinder;
  readonly photos?: readonly number[];
}

function see(recipe: ViewRecipe, { finder: given = finder, photos = ids }: Asked = {}): BatchViews {
  const scene: Scene = { dataset, finder: given, cell, device: "cpu" };
  return seeViews(recipe, scene, { seed: config.seed, epoch: 1, ids: Int32Array.from(photos) });
}

const recipe = (mask: RunConfig["mask"]) => queryAndKey({ ...config, data: { crop: side }, mask });

/** The pixels `[B, 3, 32, 32]` of a view, drawn and rendered separately. */
function rendered(view: number): Tensor {
  const { originalSizes, size } = dataset;
  const draw = drawView({ seed: config.seed, epoch: 1, view }, ids, originalSizes, size, config.augment);
  return renderView(dataset.images(Int32Array.from(ids)), draw, { crop: side }); // [5, 3, 32, 32]
}

const isMasked = ({ masked, clean, mask }: View): boolean => {
  const differs = !equal(masked, clean);
  expect(mask !== null).toBe(differs);
  return differs;
};

function negativesOf({ negatives }: BatchViews): Tensor {
  if (negatives === null) throw new Error("expected negatives");
  return negatives.pixels;
}

describe("seeViews", () => {
  it("augments the second view by its own settings where they differ", () => {
    const seen = scope(() => {
      const augmentSecond = { blurProbability: 0, solarizeProbability: 1 };
      const augment = { ...config.augment, blurProbability: 1 };
      const { views } = see(queryAndKey({ ...config, data: { crop: side }, augment, augmentSecond }));
      return views.map(({ draw }) => ({ ...draw }));
    });
    const [query, key] = seen;
    const every = (values: ArrayLike<number>, test: (value: number) => boolean) =>
      Array.from(values).every(test);
    expect(every(query.blurSigma, (sigma) => sigma > 0) && every(query.solarize, (one) => one === 0)).toBe(
      true,
    );
    expect(every(key.blurSigma, (sigma) => sigma === 0) && every(key.solarize, (one) => one === 1)).toBe(
      true,
    );
  });

  it("masks only the named branch", () => {
    scope(() => {
      for (const branch of ["query", "key", "both", "none"] as const) {
        const seen = see(recipe({ ...mean, branch, ratio: [0.3, 0.5] }));
        const [query, key] = seen.views;
        expect(isMasked(query), branch).toBe(branch === "query" || branch === "both");
        expect(isMasked(key), branch).toBe(branch === "key" || branch === "both");
        for (const [view, { clean }] of seen.views.entries()) expect(equal(clean, rendered(view))).toBe(true);
        expect(negativesOf(seen).shape).toEqual([5, 3, 32, 32]);
        expect(meanMaskedShare(seen.views) > 0).toBe(branch !== "none");
      }
    });
  });

  it("uses each view's own object, and makes negatives from the key's", () => {
    scope(() => {
      const seen = see(
        recipe({
          ...mean,
          branch: "both",
          ratio: [0.5, 0.5],
          foregroundShare: 1,
          negative: { ...paper.negative, ratio: [0.99, 1] },
        }),
      );
      const [query, key] = seen.views;
      for (const cells of changed(query.masked, query.clean)) expect(cells).toEqual(left);
      for (const cells of changed(key.masked, key.clean)) expect(cells).toEqual(right);
      for (const cells of changed(negativesOf(seen), key.clean)) expect(cells).toEqual(right);
      expect(query.foreground).toEqual(foreground(ids.map(() => left)));
      expect(key.foreground).toEqual(foreground(ids.map(() => right)));
    });
  });

  it("filters both views and the negatives for high-pass, masked or not", () => {
    scope(() => {
      const fill = fillOf(paper);
      const [query, key] = [fill.prepare(rendered(0)), fill.prepare(rendered(1))];
      const none = see(recipe({ ...paper, branch: "none" })).views;
      expect(equal(none[0].masked, query)).toBe(true);
      expect(equal(none[1].masked, key)).toBe(true);
      const seen = see(recipe(paper));
      const values = seen.views[0].masked.ne(query).to({ dtype: "float32" }).mean();
      expect(values.item()).toBeCloseTo(meanMaskedShare(seen.views), 5);
      expect(values.item()).toBeGreaterThan(0);
      const lost = changed(negativesOf(seen), key).flat();
      expect(total(lost)).toBeGreaterThan(0);
      expect(lost.some((share) => share === 0)).toBe(true);
    });
  });

  it("makes the same views for shared and for separate negatives", () => {
    scope(() => {
      const negative = { ...paper.negative, count: 2 };
      const [own, shared] = (["own", "shared"] as const).map((of) =>
        see(recipe({ ...paper, branch: "both", negative: { ...negative, of } })),
      );
      for (const [i, { masked }] of own.views.entries())
        expect(equal(masked, shared.views[i].masked)).toBe(true);
    });
  });

  it("changes nothing for fill none, and makes no negatives if none are requested", () => {
    scope(() => {
      const blind = { finder: knowing(null) };
      const plain = see(recipe({ ...paper, fill: "none" }), blind);
      for (const [view, { masked }] of plain.views.entries())
        expect(equal(masked, rendered(view))).toBe(true);
      expect([plain.negatives, meanMaskedShare(plain.views)]).toEqual([null, 0]);
      const zero = see(recipe({ ...mean, negative: { ...mean.negative, count: 0 } }));
      expect(zero.negatives).toBeNull();
    });
  });

  it("masks nothing, but prepares the views, until there is saliency", () => {
    scope(() => {
      const waiting = { ...knowing(null), active: false };
      const seen = see(recipe({ ...paper, branch: "both" }), { finder: waiting });
      const fill = fillOf(paper);
      for (const [view, { masked, mask, foreground }] of seen.views.entries()) {
        expect(equal(masked, fill.prepare(rendered(view)))).toBe(true);
        expect([mask, foreground]).toEqual([null, null]);
      }
      expect(seen.negatives).toBeNull();
    });
  });

  it("throws if masks need saliency and there is none", () => {
    scope(() => {
      const blind = { finder: knowing(null) };
      const count = { ...mean.negative, count: 0 };
      expect(() => see(recipe({ ...mean, negative: count }), blind)).toThrow(/foreground of every crop/);
      expect(() => see(recipe({ ...mean, branch: "none" }), blind)).toThrow(/"random" to do without/);
      expect(see(recipe({ ...mean, cells: "random" }), blind).negatives).not.toBeNull();
    });
  });

  it("gives a photo the same views in any batch, for every fill", () => {
    const fills = fc.constantFrom<RunConfig["mask"]["fill"]>("high-pass", "blur", "mean");
    const some = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 });
    const random = new KeyedRandom(8);
    const maps = ids.map(() => Array.from({ length: 16 }, () => (random.uniform() < 0.5 ? 1 : 0)));
    fc.assert(
      fc.property(fills, some, (fill, rows) =>
        scope(() => {
          const asked = recipe({ ...paper, fill, branch: "both" });
          const all = see(asked, { finder: knowing(foreground(maps)) });
          const part = see(asked, {
            finder: knowing(foreground(rows.map((row) => maps[row]))),
            photos: rows.map((row) => ids[row]),
          });
          const index = fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length]);
          const pixels = (seen: BatchViews) => [...seen.views.map(({ masked }) => masked), negativesOf(seen)];
          const theirs = pixels(all);
          for (const [i, mine] of pixels(part).entries()) {
            const difference = mine.sub(theirs[i].indexSelect(0, index));
            expect(difference.abs().amax().item()).toBeLessThan(1e-5);
          }
        }),
      ),
      { numRuns: 12 },
    );
  });
});

describe("multi-crop", () => {
  const masked: RunConfig["mask"] = {
    ...mean,
    branch: "both",
    ratio: [0.5, 0.5],
    negative: { ...mean.negative, count: 8 },
  };
  const small = { crop: 16, augment: { ...config.augment, scale: [0.05, 0.2] as const } };

  /** Two views, and two small ones. */
  function withSmall(two: ViewRecipe): ViewRecipe {
    const [query] = two.kinds;
    return { ...two, kinds: [...two.kinds, { ...query, ...small, name: "small", count: 2 }] };
  }

  it("makes views of another size, masked in cells of the same side, and does not change the first two", () => {
    scope(() => {
      const two = recipe(masked);
      const [before, after] = [see(two), see(withSmall(two))];
      expect(after.views.map(({ clean }) => clean.shape)).toEqual([
        [5, 3, 32, 32],
        [5, 3, 32, 32],
        [5, 3, 16, 16],
        [5, 3, 16, 16],
      ]);
      for (const [i, view] of before.views.entries()) {
        expect(equal(after.views[i].masked, view.masked)).toBe(true);
        expect(after.views[i].mask).toEqual(view.mask);
      }
      expect(equal(negativesOf(after), negativesOf(before))).toBe(true);
      for (const view of after.views) expect(isMasked(view)).toBe(true);
      for (const { masked, clean, mask, draw } of after.views.slice(2)) {
        expect(mask?.cells).toHaveLength(5 * 4);
        const areas = Array.from(ids, (_, row) => draw.boxes[4 * row + 2] * draw.boxes[4 * row + 3]);
        for (const area of areas) expect(area / side ** 2).toBeLessThan(0.25);
        // Whole cells of 8 pixels, as in the large views.
        const differs = masked
          .ne(clean)
          .to({ dtype: "float32" })
          .amax({ dim: [1] }); // [5, 16, 16]
        const cells = differs.unsqueeze(1).adaptiveAvgPool2d([2, 2]).toArray(); // [5 * 4]
        expect(cells).toEqual(Array.from(mask?.cells ?? []));
      }
    });
  });

  it("looks for objects only in the views that are asked for theirs", () => {
    scope(() => {
      const sizes: number[][] = [];
      const counting: ObjectFinder = {
        active: true,
        foregrounds: (views, asked) => {
          sizes.push(views.map(({ pixels }) => pixels.shape[2]));
          return finder.foregrounds(views, asked);
        },
      };
      const all = withSmall(recipe(masked));
      const kinds = all.kinds.map((kind) =>
        kind.name === "small" ? { ...kind, mask: null, findsObject: false } : kind,
      );
      const [before, after] = [see(all), see({ ...all, kinds }, { finder: counting })];
      expect(sizes).toEqual([[32, 32]]);
      for (const view of [0, 1]) expect(after.views[view].foreground).toEqual(before.views[view].foreground);
      for (const view of [2, 3]) {
        expect([after.views[view].foreground, after.views[view].mask]).toEqual([null, null]);
        expect(equal(after.views[view].clean, before.views[view].clean)).toBe(true);
      }
    });
  });

  it("has separate random keys for every view and every negative", () => {
    scope(() => {
      const keys: number[] = [];
      const asked = withSmall(recipe(masked));
      const fill: Fill = {
        ...asked.fill,
        replacement(prepared, context) {
          expect(context.key).toMatchObject({ seed: config.seed, epoch: 1 });
          keys.push(context.key.view);
          return asked.fill.replacement(prepared, context);
        },
      };
      const { views } = see({ ...asked, fill });
      expect(keys).toHaveLength(4 + 8);
      expect(new Set(keys).size).toBe(keys.length);
      const drawn = views.map(({ draw }) => Array.from(draw.jitterFactors).join());
      expect(new Set(drawn).size).toBe(views.length);
    });
  });
});

describe("mostlyLostShare", () => {
  it("is the share of masked views whose object lost more than half of its pixels", () => {
    scope(() => {
      const shares = new Set<number>();
      for (let first = 0; first < photos; first++) {
        const asked = { photos: [first, (first + 1) % photos] };
        const { views } = see(recipe({ ...mean, ratio: [0.2, 0.8] }), asked);
        const lost = changed(views[0].masked, views[0].clean).map((cells) =>
          total(cells.filter((_, cell) => left[cell] === 1)),
        );
        const share = lost.filter((cells) => cells > total(left) / 2).length / lost.length;
        expect(mostlyLostShare(views)).toBeCloseTo(share, 12);
        shares.add(share);
      }
      expect(shares.size).toBeGreaterThan(1);
    });
  });

  it("follows the odds, and is null where nothing is masked or no object is known", () => {
    scope(() => {
      const of = (mask: Partial<RunConfig["mask"]>) =>
        mostlyLostShare(see(recipe({ ...mean, ratio: [0.4, 0.4], ...mask })).views);
      expect(of({ odds: "infinite" })).toBe(1); // 6 of the object's 8 cells
      expect(of({ odds: 1 })).toBe(0); // 3 of them
      expect(of({ odds: 0 })).toBe(0);
      expect(of({ branch: "none" })).toBeNull();
      const unknown = see(recipe({ ...mean, cells: "random" }), { finder: knowing(null) });
      expect(mostlyLostShare(unknown.views)).toBeNull();
    });
  });
});
