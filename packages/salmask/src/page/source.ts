/** Where the page's content comes from: the server that sent it, or the report that it is part of. */
import type { Charts, Overview, Range, Report, RunDetail } from "./protocol.js";

export interface Source {
  /** Whether runs can change while the page is open. */
  readonly isLive: boolean;
  /** null where nothing has changed since the last call. */
  overview(): Promise<Overview | null>;
  /** null where the run is gone. */
  charts(run: string, range: Range): Promise<Charts | null>;
  detail(run: string): Promise<RunDetail | null>;
}

/** The report that this page is, or its server. */
export function findSource(): Source {
  const data = document.getElementById("report")?.textContent;
  return data === undefined || data === null ? served() : embedded(JSON.parse(data));
}

function embedded({ overview, charts, details }: Report): Source {
  let isAsked = false;
  return {
    isLive: false,
    overview: async () => {
      const first = isAsked ? null : overview;
      isAsked = true;
      return first;
    },
    charts: async (run) => charts[run] ?? null,
    detail: async (run) => details[run] ?? null,
  };
}

function served(): Source {
  let known = "";
  return {
    isLive: true,
    overview: async () => {
      const found: { tag: string; overview: Overview } | null = await ask("overview", { known });
      known = found?.tag ?? known;
      return found?.overview ?? null;
    },
    charts: (run, range) =>
      ask("charts", range === null ? { run } : { run, from: String(range.from), to: String(range.to) }),
    detail: (run) => ask("detail", { run }),
  };
}

/** null where the server has nothing new, or no such thing. */
async function ask<T>(what: string, query: Record<string, string>): Promise<T | null> {
  const answer = await fetch(`/api/${what}?${new URLSearchParams(query)}`);
  if (answer.status === 204 || answer.status === 404) return null;
  if (!answer.ok) throw new Error(`Expected an answer about ${what}, got ${answer.status}.`);
  return answer.json();
}
