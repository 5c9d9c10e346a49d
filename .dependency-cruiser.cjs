// The rooms of packages/salmask/src, in order: a room imports only rooms above it in this list. `npm run check` asks.
const rooms = [
  "base",
  "ranks",
  "compute",
  "image",
  "data",
  "masking",
  "views",
  "models",
  "detection",
  "metrics",
  "weights",
  "saliency",
  "training",
  "ssl",
  "config",
  "runs",
  "tasks",
  "export",
  "analysis",
  "transfer",
  "experiment",
  "report",
  "page",
  "watch",
  "cli",
];
const source = "^packages/salmask/src/";

/** For each room: it must not import what stands below it. */
const order = rooms.slice(0, -1).map((room, i) => ({
  name: `${room}-imports-only-rooms-above`,
  comment: `${room} may import: itself, ${rooms.slice(0, i).join(", ")}`,
  severity: "error",
  from: { path: `${source}${room}/` },
  to: { path: `${source}(${rooms.slice(i + 1).join("|")}|index)(/|[.])` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...order,
    { name: "no-circles", severity: "error", from: { path: source }, to: { circular: true } },
    {
      name: "no-circles-that-run",
      comment: "a tensor's methods are its operators, whose types name tensors",
      severity: "error",
      from: { path: "^packages/torch/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "every-file-has-a-room",
      severity: "error",
      from: {},
      to: { path: `${source}(?!(${rooms.join("|")}|types)/|index[.])` },
    },
    {
      name: "the-engine-knows-no-product",
      severity: "error",
      from: { path: "^packages/torch/" },
      to: { path: "^packages/salmask/" },
    },
    {
      name: "settings-load-no-engine",
      comment: "help and refused settings have to be quick",
      severity: "error",
      from: { path: `${source}([^/]+/settings|config/.*)[.]ts$` },
      to: {
        path: "^packages/torch/|node_modules/(sharp|onnxruntime-node|@julusian)/",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "the-page-runs-in-a-browser",
      severity: "error",
      from: { path: `${source}page/` },
      to: { pathNot: `${source}page/|node_modules/uplot/` },
    },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|build|test)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "node", "default"],
    },
  },
};
