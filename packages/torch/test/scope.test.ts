import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { keep, liveTensors, ones, scope, scopeAsync, type Tensor, zeros } from "@salmask/torch";
import { describe, expect, test } from "vitest";

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
const live = () => liveTensors().count;

describe("scope", () => {
  test("frees the tensors made inside and returns the result", () => {
    const before = live();
    const result = scope(() => {
      const a = ones([3]);
      a.add(a);
      return a.mul(2);
    });
    expect(live()).toBe(before + 1);
    expect(result.toArray()).toEqual([2, 2, 2]);
    result.dispose();
  });

  test("finds returned tensors in arrays, objects, maps and nests of them", () => {
    const { list, map, deep } = scope(() => {
      zeros([9]);
      const one = ones([1]);
      return {
        list: [one, ones([2])],
        map: new Map([["x", ones([3])]]),
        deep: { a: { b: [null, ones([4])] } },
      };
    });
    const all = [...list, map.get("x"), deep.a.b[1]];
    expect(all.map((t) => t?.numel)).toEqual([1, 2, 3, 4]);
    for (const t of all) t?.dispose();
  });

  test("a returned value may refer to itself", () => {
    const result = scope(() => {
      const node: { value: Tensor; self?: object } = { value: ones([1]) };
      node.self = node;
      return node;
    });
    expect(result.value.item()).toBe(1);
    result.value.dispose();
  });

  test("nests: an inner result belongs to the outer scope", () => {
    const seen: Tensor[] = [];
    scope(() => {
      const inner = scope(() => {
        seen.push(zeros([1]));
        return ones([1]);
      });
      expect(seen[0].disposed).toBe(true);
      expect(inner.disposed).toBe(false);
      seen.push(inner);
    });
    expect(seen[1].disposed).toBe(true);
  });

  test("keep outlives every scope", () => {
    const held: Tensor[] = [];
    scope(() =>
      scope(() => {
        held.push(keep(ones([2])));
        expect(keep(held[0])).toBe(held[0]);
      }),
    );
    expect(held[0].toArray()).toEqual([1, 1]);
    held[0].dispose();
  });

  test("an error frees everything and is thrown again", () => {
    const before = live();
    const fault = new Error("inside");
    expect(() =>
      scope(() => {
        ones([3]);
        scope(() => ones([4]));
        throw fault;
      }),
    ).toThrow(fault);
    expect(live()).toBe(before);
  });

  test("throws for a function that returns a promise, and frees its tensors", async () => {
    const before = live();
    expect(() => scope(async () => ones([2]))).toThrow(/scopeAsync/);
    expect(live()).toBe(before);
  });
});

describe("a freed tensor", () => {
  test("says what to do when it is used", () => {
    const freed: Tensor[] = [];
    scope(() => freed.push(ones([2])));
    expect(freed[0].disposed).toBe(true);
    expect(() => freed[0].add(1)).toThrow(/was freed: return it from its scope, or keep\(\) it/);
    expect(String(freed[0])).toBe("Tensor(freed)");
  });

  test("can be freed again", () => {
    const a = ones([2]);
    a.dispose();
    a.dispose();
    expect(a.disposed).toBe(true);
  });

  test("`using` frees at the end of the block", () => {
    const before = live();
    {
      using a = ones([2]);
      using b = a.add(1);
      expect(b.toArray()).toEqual([2, 2]);
    }
    expect(live()).toBe(before);
  });
});

describe("scopeAsync", () => {
  test("frees across awaits and returns the result", async () => {
    const before = live();
    const result = await scopeAsync(async () => {
      const a = ones([2]);
      await tick();
      const b = a.add(1);
      await tick();
      return [b.mul(3)];
    });
    expect(live()).toBe(before + 1);
    expect(result[0].toArray()).toEqual([6, 6]);
    result[0].dispose();
  });

  test("functions that run at the same time have separate scopes", async () => {
    const worker = (size: number, turns: number) =>
      scopeAsync(async () => {
        let sum = zeros([size]);
        for (let i = 0; i < turns; i++) {
          await tick();
          sum = scope(() => sum.add(ones([size])));
        }
        return sum;
      });
    const results = await Promise.all([worker(1, 5), worker(2, 3), worker(3, 8), worker(4, 1)]);
    expect(results.map((t) => t.toArray())).toEqual([[5], [3, 3], [8, 8, 8], [1, 1, 1, 1]]);
    for (const t of results) t.dispose();
  });

  test("nests: an inner result belongs to the outer scope", async () => {
    const before = live();
    const total = await scopeAsync(async () => {
      const inner = await scopeAsync(async () => {
        ones([7]);
        await tick();
        return ones([3]);
      });
      expect(live()).toBe(before + 1);
      return inner.sum().item();
    });
    expect(total).toBe(3);
    expect(live()).toBe(before);
  });

  test("a rejection frees everything", async () => {
    const before = live();
    const failing = scopeAsync(async () => {
      ones([3]);
      await tick();
      ones([4]);
      throw new Error("inside");
    });
    await expect(failing).rejects.toThrow("inside");
    expect(live()).toBe(before);
  });

  test("a result that outlives the surrounding scope is not lost", async () => {
    const { pending } = scope(() => ({
      pending: scopeAsync(async () => {
        await tick();
        return ones([2]);
      }),
    }));
    const before = live();
    const late = await pending;
    expect(live()).toBe(before + 1);
    expect(late.toArray()).toEqual([1, 1]);
    late.dispose();
  });
});

/** Collects garbage until so many tensors live, or twenty times. */
async function collectTo(count: number): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let i = 0; i < 20 && live() > count; i++) {
    collect();
    await tick();
  }
}

test("the garbage collector frees tensors that were made in an asynchronous scope after its end", async () => {
  const before = live();
  let late: Promise<void> = Promise.resolve();
  await scopeAsync(async () => {
    late = tick().then(() => {
      for (let i = 0; i < 50; i++) zeros([4]);
    });
  });
  await late;
  expect(live()).toBe(before + 50);
  await collectTo(before);
  expect(live()).toBe(before);
});

test("the garbage collector frees tensors that no scope owns, once", async () => {
  const before = live();
  (() => {
    for (let i = 0; i < 50; i++) {
      keep(ones([4]));
      zeros([4]);
      scope(() => ones([2]));
    }
  })();
  expect(live()).toBe(before + 150);
  await collectTo(before);
  expect(live()).toBe(before);
  const fresh = scope(() => Array.from({ length: 200 }, (_, i) => ones([1]).mul(i)));
  await collectTo(0);
  expect(fresh.map((t) => t.item())).toEqual(Array.from({ length: 200 }, (_, i) => i));
  for (const t of fresh) t.dispose();
});

test("bytes count each storage once", () => {
  scope(() => {
    const before = liveTensors();
    const a = zeros([256]);
    a.reshape([16, 16]).transpose(0, 1);
    expect(liveTensors()).toEqual({ count: before.count + 3, bytes: before.bytes + 1024 });
  });
});
