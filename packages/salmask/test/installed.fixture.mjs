// Uses Salmask as an installed package, with a method of its own: `installed.fixture.mjs PHOTOS OUT`.
import { readFileSync } from "node:fs";

const before = { env: { ...process.env }, listeners: process.eventNames().length };
const salmask = await import("salmask");
const mapsLibtorch = readFileSync("/proc/self/maps", "utf8").includes("libtorch");
const isUnchanged =
  JSON.stringify(process.env) === JSON.stringify(before.env) &&
  process.eventNames().length === before.listeners;

const { Generator } = await import("@salmask/torch");
const { builtInMethods, configSchema, createBackbone, pretrain } = salmask;

/** Pulls the features of the two views together. It collapses, which does not matter here. */
class Together {
  name = "together";
  constructor(spec) {
    this.backbone = createBackbone(spec, new Generator(3));
    this.learned = this.backbone;
    this.momentumBackbone = this.backbone;
    this.compared = 0;
  }
  sources([first]) {
    return [first];
  }
  against({ views: [, second] }) {
    return ([first]) => {
      this.compared++;
      const [query, key] = [this.backbone.forward(first), this.backbone.forward(second.clean)];
      const unit = (x) => x.div(x.norm(2, [1], { keepdim: true }));
      return {
        loss: query.sub(key).pow(2).mean(),
        logs: () => ({ compared: this.compared }),
        embeddings: { query: unit(query), key: unit(key) },
      };
    };
  }
  embed({ views: [query, key] }) {
    return { query: this.backbone.forward(query.masked), key: this.backbone.forward(key.masked) };
  }
  afterStep() {}
  logs() {
    return {};
  }
  state() {
    return this.backbone.stateDict();
  }
  counters() {
    return {};
  }
  loadState(state) {
    this.backbone.loadStateDict(state);
  }
  dispose() {
    this.backbone.dispose();
  }
}

const [photos, out] = process.argv.slice(2);
const config = configSchema.parse({
  precision: "float32",
  threads: 1,
  data: { crop: 16, size: 16, cache: `${out}-cache` },
  model: { arch: "resnet18", width: 4, stem: "small" },
  saliency: { source: "centre" },
  mask: { fill: "mean" },
  method: { queue: 6, groups: 2 },
  train: { epochs: 2, batchSize: 8, logEvery: 1, varianceEvery: 0 },
});
const events = [];
const summary = await pretrain({
  photos,
  out,
  config,
  resume: false,
  own: { method: { create: ({ model }) => new Together(model), recipe: builtInMethods.recipe } },
  report: (event) => events.push(event),
});
const logged = events.flatMap((event) => (event.kind === "log" ? [event.entry.logs] : []));
console.log(
  JSON.stringify({ mapsLibtorch, isUnchanged, names: Object.keys(salmask).sort(), logged, summary }),
);
