/** The names of the files that the page reads in a run's folder. */
export const files = {
  config: "config.yaml",
  metrics: "metrics.jsonl",
  summary: "summary.json",
  probes: "probes.json",
  /** What the encoder compared, and what is in that picture. */
  views: { picture: "views.jpg", text: "views.json" },
  /** The sheet that the demo draws. */
  sheet: "views.png",
  map: { picture: "map.jpg", text: "map.json" },
  /** Where `salmask detect predict --out RUN/detections` leaves its pictures. */
  detections: "detections/pictures",
} as const;

/** Those on which all but the charts depends. */
export const stampedFiles: readonly string[] = [
  files.config,
  files.summary,
  files.probes,
  files.views.text,
  files.sheet,
  files.map.text,
  files.detections,
];
