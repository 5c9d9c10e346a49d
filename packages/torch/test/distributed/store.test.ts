import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { distributed, Generator, nn, ones, scope } from "../../src/index.js";
import { freePort } from "../support/ranks.js";

const { DistributedError, ProcessGroup, Reducer, TCPStore } = distributed;

/** The error that `run` throws. */
function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, got none");
}

let server: InstanceType<typeof TCPStore>;

beforeEach(() => {
  server = new TCPStore({ host: "127.0.0.1", port: 0, isServer: true, timeoutSeconds: 1 });
});
afterEach(() => server.dispose());

describe("a store", () => {
  test("gives all clients what one has set, and adds up", () => {
    using client = new TCPStore({ host: "127.0.0.1", port: server.port, isServer: false, timeoutSeconds: 1 });
    server.set("greeting", "grüezi");
    expect(client.get("greeting")).toBe("grüezi");
    expect(client.add("count", 3)).toBe(3);
    expect(server.add("count", -1)).toBe(2);
    expect(client.check(["greeting", "count"])).toBe(true);
    expect(client.check(["greeting", "nothing"])).toBe(false);
    client.wait(["greeting"], 0.1);
  });

  test("says which key is not there in time, and answers afterwards", () => {
    expect(errorOf(() => server.wait(["here", "there"], 0.05))).toMatchObject({
      name: "DistributedError",
      code: "store-failed",
      message: expect.stringContaining("within 0.05 s, got none of 'here', 'there'"),
    });
    const error = errorOf(() => server.get("never"));
    expect(error).toBeInstanceOf(DistributedError);
    expect(error).toMatchObject({ code: "store-failed", message: expect.stringContaining("'never'") });
    server.set("late", "here");
    expect(server.get("late")).toBe("here");
  });

  test("refuses wrong arguments, and says where nobody listens", async () => {
    const port = await freePort();
    const options = { host: "127.0.0.1", port, isServer: false };
    expect(() => new TCPStore({ ...options, port: 0 })).toThrow(RangeError);
    expect(() => new TCPStore({ ...options, host: "" })).toThrow(RangeError);
    expect(() => new TCPStore({ ...options, timeoutSeconds: 0 })).toThrow(RangeError);
    expect(() => server.add("count", 0.5)).toThrow(RangeError);
    expect(errorOf(() => new TCPStore({ ...options, timeoutSeconds: 0.5 }))).toMatchObject({
      code: "store-failed",
      message: expect.stringContaining(`a store at 127.0.0.1:${port}`),
    });
    server.dispose();
    server.dispose();
    expect(() => server.get("greeting")).toThrow("disposed");
  });
});

describe("a group", () => {
  const alone = () => ({ backend: "gloo" as const, store: server, rank: 0, worldSize: 1, timeoutSeconds: 5 });

  test("of one rank computes what is there", () => {
    using group = ProcessGroup.create(alone());
    scope(() => {
      const tensor = ones([3]); // [3]
      group.allReduce(tensor, "avg");
      expect(tensor.toArray()).toEqual([1, 1, 1]);
      expect(group.allGather(tensor).shape).toEqual([1, 3]);
    });
  });

  test("names the ranks that do not come", () => {
    expect(
      errorOf(() => ProcessGroup.create({ ...alone(), rank: 1, worldSize: 3, timeoutSeconds: 0.2 })),
    ).toMatchObject({
      code: "rank-missing",
      ranks: [0, 2],
      message: expect.stringContaining("got none of ranks 0 and 2"),
    });
  });

  test("refuses wrong numbers, and a backend that the addon does not have", () => {
    expect(() => ProcessGroup.create({ ...alone(), rank: 1 })).toThrow(RangeError);
    expect(() => ProcessGroup.create({ ...alone(), worldSize: 0 })).toThrow(RangeError);
    const error = errorOf(() => ProcessGroup.create({ ...alone(), backend: "nccl" }));
    expect(error).toMatchObject({ code: "no-backend", message: expect.stringContaining("NCCL") });
  });

  test("is refused after it was disposed", () => {
    const group = ProcessGroup.create(alone());
    const layer = new nn.BatchNorm1d(4);
    nn.convertSyncBatchNorm(layer, group);
    group.dispose();
    scope(() => {
      expect(() => group.allReduce(ones([1]))).toThrow("disposed");
      expect(() => layer.forward(ones([2, 4]))).toThrow("disposed");
      nn.convertSyncBatchNorm(layer, null);
      expect(layer.forward(ones([2, 4])).shape).toEqual([2, 4]);
    });
    layer.dispose();
  });

  test("gives a reducer that refuses what it cannot reduce", () => {
    using group = ProcessGroup.create(alone());
    const layer = new nn.Linear(2, 2, { generator: new Generator(1) });
    const parameters = layer.parameters();
    expect(() => new Reducer({ parameters: [], group })).toThrow(RangeError);
    expect(() => new Reducer({ parameters: [parameters[0], parameters[0]], group })).toThrow(
      "each parameter once",
    );
    expect(() => new Reducer({ parameters, names: ["weight"], group })).toThrow("Expected 2 names");
    expect(() => new Reducer({ parameters, group, bucketBytes: 0 })).toThrow(RangeError);
    layer.setRequiresGrad(false);
    expect(() => new Reducer({ parameters, names: ["weight", "bias"], group })).toThrow("got weight");
    layer.dispose();
  });
});
