import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveWatch, type WatchServer } from "../../src/watch/server.js";
import { logLine, makeRun } from "./made.js";

let root: string;
let server: WatchServer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "salmask-watch-"));
  await makeRun(join(root, "runs/plain"), { hasPictures: true, hasEnded: true, probe: [0.5, 0.6] });
  await makeRun(join(root, "runs/study/row/seed-1"), { probe: [0.4, 0.5] });
  await makeRun(join(root, "runs/study/row/seed-2"), { probe: [0.5, 0.7] });
  await makeRun(join(root, "elsewhere/secret"));
  await writeFile(join(root, "elsewhere/secret.png"), "secret");
  await symlink(join(root, "elsewhere"), join(root, "runs/link"));
  await mkdir(join(root, "runs/linked/checkpoints"), { recursive: true });
  await symlink(join(root, "elsewhere/secret/metrics.jsonl"), join(root, "runs/linked/metrics.jsonl"));
  await writeFile(join(root, "elsewhere/settings"), "password: secret\n");
  await symlink(join(root, "elsewhere/settings"), join(root, "runs/linked/config.yaml"));
  await symlink(join(root, "elsewhere/secret.png"), join(root, "runs/linked/views.png"));
  server = await serveWatch({ folder: join(root, "runs"), port: 0 });
});

afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** A request as it is written: `fetch` would change the path and refuse some headers. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((done, fail) => {
    request({ hostname, port, path, method, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () =>
        done({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(pieces).toString("latin1"),
        }),
      );
    })
      .on("error", fail)
      .end();
  });
}

const parsed = async (path: string) => JSON.parse((await ask(path)).body);
const host = () => new URL(server.url).host;

describe("the server of salmask watch", () => {
  it("sends the page with a policy that lets nothing in from elsewhere", async () => {
    const { status, headers, body } = await ask("/");
    expect(status).toBe(200);
    expect(body).toContain("/page.js");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  it.each<[string, Record<string, string>]>([
    ["another host's name", { host: "evil.example" }],
    ["another port", { host: "127.0.0.1:1" }],
    ["an address of the network", { host: "0.0.0.0:8017" }],
    ["another site's origin", { origin: "http://evil.example" }],
    ["a hidden origin", { origin: "null" }],
    ["a link on another site", { "sec-fetch-site": "cross-site" }],
    ["another port's page", { "sec-fetch-site": "same-site" }],
  ])("refuses a request with %s", async (_, headers) => {
    for (const path of ["/", "/api/overview", "/page.js"]) {
      const { status, body } = await ask(path, headers);
      expect(status).toBe(403);
      expect(body).not.toContain("plain");
    }
  });

  it("answers its own page, a person and both names of this machine", async () => {
    const port = host().split(":")[1];
    const asking: Record<string, string>[] = [
      { origin: `http://${host()}`, "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
      { host: `localhost:${port}` },
    ];
    for (const headers of asking) expect((await ask("/api/overview", headers)).status).toBe(200);
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("has nothing for %s", async (method) => {
    expect((await ask("/api/overview", {}, method)).status).toBe(405);
  });

  it("answers HEAD without a body", async () => {
    expect(await ask("/api/overview", {}, "HEAD")).toMatchObject({ status: 200, body: "" });
  });

  it("lists the runs below the folder, and none that a link leads to", async () => {
    const { overview } = await parsed("/api/overview");
    expect(overview.runs.map(({ id }: { id: string }) => id)).toEqual([
      "linked",
      "plain",
      "study/row/seed-1",
      "study/row/seed-2",
    ]);
    expect(overview.runs[1]).toMatchObject({ kind: "pretrain", state: "ended", step: 300 });
    expect(overview.runs[2]).toMatchObject({ state: "running" });
  });

  it("makes an experiment's table of its runs, with Student's interval", async () => {
    const { overview } = await parsed("/api/overview");
    expect(overview.experiments).toHaveLength(1);
    const [{ id, rows }] = overview.experiments;
    expect(id).toBe("study");
    expect(rows[0]).toMatchObject({ name: "row", runs: 2, ended: 0, running: 2 });
    // Two values a and b: half the interval is t(0.975, 1) |a - b| / 2.
    expect(rows[0].linear.mean).toBeCloseTo(60, 9);
    expect(rows[0].linear.halfWidth).toBeCloseTo((12.7062 * 20) / 2, 2);
  });

  it("sends an overview once, and nothing while nothing changes", async () => {
    const { tag } = await parsed("/api/overview");
    expect((await ask(`/api/overview?known=${encodeURIComponent(tag)}`)).status).toBe(204);
  });

  it.each([
    ["/api/detail?run=..%2Felsewhere%2Fsecret", 404],
    ["/api/charts?run=..%2Felsewhere%2Fsecret", 404],
    ["/api/charts?run=link%2Fsecret", 404],
    ["/api/detail?run=%2Fetc", 404],
    ["/picture?run=..%2Felsewhere&name=secret.png", 404],
    ["/picture?run=plain&name=..%2F..%2Felsewhere%2Fsecret.png", 404],
    ["/picture?run=plain&name=detections%2Fpictures%2F..%2F..%2F..%2F..%2Felsewhere%2Fsecret.png", 404],
    ["/picture?run=plain&name=config.yaml", 404],
    ["/picture?run=plain&name=metrics.jsonl", 404],
    ["/picture?run=linked&name=views.png", 404],
    ["/picture?run=study&name=table.md", 404],
    ["/../../elsewhere/secret.png", 404],
    ["/%2e%2e/%2e%2e/etc/passwd", 404],
  ])("does not leave the runs: %s", async (path, status) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain("secret");
  });

  it("reads no settings, numbers or pictures through a link in a run's folder", async () => {
    const detail = await ask("/api/detail?run=linked");
    expect(detail.status).toBe(200);
    expect(detail.body).not.toContain("secret");
    expect(await parsed("/api/charts?run=linked")).toMatchObject({ rows: 0, series: [] });
    expect(JSON.parse(detail.body)).toMatchObject({ sheet: null });
  });

  it("sends the pictures that a run left", async () => {
    const { views, map, detections } = await parsed("/api/detail?run=plain");
    expect(views).toMatchObject({ step: 300, columns: ["photo", "its saliency", "query"] });
    expect(map.photos).toHaveLength(12);
    for (const [src, start] of [
      [views.tiles.src, "\xff\xd8"],
      [map.tiles.src, "\xff\xd8"],
      [detections[0].src, "\x89PNG"],
    ]) {
      const { status, body } = await ask(src);
      expect(status).toBe(200);
      expect(body.startsWith(start)).toBe(true);
    }
  });

  it("reads a log as it grows, without the line that is being written", async () => {
    const log = join(root, "runs/study/row/seed-1/metrics.jsonl");
    const line = logLine(301, 5);
    const read = async () => {
      const { rows, isComplete } = await parsed("/api/charts?run=study%2Frow%2Fseed-1");
      return isComplete ? rows : null;
    };
    await appendFile(log, line.slice(0, 20));
    await expect.poll(read).toBe(300);
    await appendFile(log, line.slice(20));
    await expect.poll(read).toBe(301);
  });
});
