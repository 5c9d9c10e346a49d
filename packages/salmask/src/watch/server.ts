/** Serves the page and what it shows of a folder with runs, on this machine alone. */
import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { UsageError } from "../base/errors.js";
import type { Range } from "../page/protocol.js";
import { guard } from "./guard.js";
import { pageFiles, servedPage } from "./shell.js";
import { usualBuckets, Watched } from "./watched.js";

export interface WatchOptions {
  /** A run's folder, or one with runs in it. */
  readonly folder: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface WatchServer {
  readonly url: string;
  close(): Promise<void>;
}

const loopback = "127.0.0.1";
const mostBuckets = 2000;

/** Throws {@link UsageError} `no-folder`, `port-taken`, `not-built`. */
export async function serveWatch({ folder, port }: WatchOptions): Promise<WatchServer> {
  const watched = await Watched.open(folder, pictureAddress);
  const { script, style } = await pageFiles();
  let bound = port;
  const app = new Hono();
  app.use(guard(() => bound));
  app.get("/", (context) => context.html(servedPage));
  app.get("/page.js", (context) => context.body(script, 200, { "Content-Type": "text/javascript" }));
  app.get("/page.css", (context) => context.body(style, 200, { "Content-Type": "text/css" }));
  app.get("/api/overview", async (context) => {
    const overview = JSON.stringify(await watched.overview());
    const tag = `"${createHash("sha256").update(overview).digest("base64url")}"`;
    if (context.req.query("known") === tag) return context.body(null, 204);
    return context.body(`{"tag":${JSON.stringify(tag)},"overview":${overview}}`, 200, json);
  });
  app.get("/api/charts", async (context) => {
    const { run = "", from, to, buckets } = context.req.query();
    const charts = await watched.charts(run, { range: rangeOf(from, to), buckets: bucketsOf(buckets) });
    return charts === null ? context.notFound() : context.json(charts);
  });
  app.get("/api/detail", async (context) => {
    const detail = await watched.detail(context.req.query("run") ?? "");
    return detail === null ? context.notFound() : context.json(detail);
  });
  app.get("/picture", async (context) => {
    const { run = "", name = "" } = context.req.query();
    const picture = await watched.picture(run, name);
    if (picture === null) return context.notFound();
    return context.body(new Uint8Array(picture.bytes), 200, { "Content-Type": picture.type });
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((done, fail) => {
    server.once("error", (error) => fail(portFault(error, port)));
    server.listen(port, loopback, done);
  });
  bound = portOf(server.address(), port);
  return {
    url: `http://${loopback}:${bound}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

const json = { "Content-Type": "application/json" };

const pictureAddress = (run: string, name: string, stamp: string) =>
  `/picture?${new URLSearchParams({ run, name, at: stamp })}`;

function rangeOf(from: string | undefined, to: string | undefined): Range {
  const range = { from: Number(from), to: Number(to) };
  return range.from <= range.to ? range : null;
}

function bucketsOf(text: string | undefined): number {
  const buckets = Number(text);
  return Number.isInteger(buckets) && buckets > 0 ? Math.min(buckets, mostBuckets) : usualBuckets;
}

function portOf(address: AddressInfo | string | null, port: number): number {
  return typeof address === "object" && address !== null ? address.port : port;
}

function portFault(error: unknown, port: number): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EACCES") {
    return new UsageError(
      "port-not-allowed",
      `Expected a port that this user may listen on, got ${port}. Give one from 1024, or --port 0 for any free one.`,
      error,
    );
  }
  if (code !== "EADDRINUSE") return error;
  return new UsageError(
    "port-taken",
    `Expected a port that no other program uses, got ${port}. Give --port 0 for any free one.`,
    error,
  );
}
