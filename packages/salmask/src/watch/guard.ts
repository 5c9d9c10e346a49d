/**
 * Answers only requests that the page itself made, or a person. Other sites can name this address in a link or let their own name
 * resolve to it (DNS rebinding); the page and the runs are none of their business.
 */
import type { MiddlewareHandler } from "hono";
import { policyOf } from "./shell.js";

const headers = {
  "Content-Security-Policy": policyOf("'self'", "'self'", "connect-src 'self'; frame-ancestors 'none'"),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
} as const;

/** Names of this machine for itself. */
const hosts = ["127.0.0.1", "localhost"];

/** `port` is asked with each request, because it is known once the server listens. */
export function guard(port: () => number): MiddlewareHandler {
  return async (context, next) => {
    const refusal = refusalOf(context.req.raw, port());
    if (refusal !== null) return context.text(`${refusal.why}\n`, refusal.status, headers);
    await next();
    for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
  };
}

interface Refusal {
  readonly status: 403 | 405;
  readonly why: string;
}

function refusalOf({ method, headers: sent }: Request, port: number): Refusal | null {
  if (method !== "GET" && method !== "HEAD")
    return { status: 405, why: `Expected GET or HEAD, got ${method}. Nothing can be written here.` };
  const own = hosts.map((host) => `${host}:${port}`);
  const host = sent.get("host") ?? "";
  if (!own.includes(host)) return { status: 403, why: `Expected the host ${own.join(" or ")}, got another.` };
  const origin = sent.get("origin");
  if (origin !== null && origin !== `http://${host}`)
    return { status: 403, why: "Expected a request of this page, got one of another site." };
  // `none` is a person's: an address that was typed, or a bookmark.
  if (!["same-origin", "none"].includes(sent.get("sec-fetch-site") ?? "none"))
    return { status: 403, why: "Expected a request of this page, got one of another site." };
  return null;
}
