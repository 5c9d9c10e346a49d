/** The HTML around the page, and the script and the style that the build has made of `page`. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/errors.js";
import { escapedXml } from "../base/xml.js";
import type { Report } from "../page/protocol.js";

export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

/** Throws {@link UsageError} `not-built`. */
export async function pageFiles(): Promise<PageFiles> {
  const read = (name: string) =>
    readFile(fileURLToPath(new URL(`../../dist/page/${name}`, import.meta.url)), "utf8");
  try {
    const [script, style] = await Promise.all([read("page.js"), read("page.css")]);
    return { script, style };
  } catch (error) {
    throw new UsageError(
      "not-built",
      "Expected the page's script to be built, got none. Run: npm run build",
      error,
    );
  }
}

const html = (title: string, head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${head}
<title>${escapedXml(title)}</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="page"><header><h1>Salmask</h1><p>Reading the runs …</p></header></div>
${body}
</body>
</html>
`;

/** The page as the server sends it. */
export const servedPage = html(
  "Salmask",
  '<link rel="stylesheet" href="/page.css">',
  '<script type="module" src="/page.js"></script>',
);

/** What a page may load and run; pictures may be part of it. */
export const policyOf = (script: string, style: string, others: string) =>
  `default-src 'none'; script-src ${script}; style-src ${style}; img-src 'self' data:; base-uri 'none'; form-action 'none'; ${others}`.trim();

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** One file with all that the page shows, which asks no network for anything. */
export function reportPage(title: string, { script, style }: PageFiles, report: Report): string {
  // No `<` is left in the data, so that none of its texts can end the element that it is in.
  const data = JSON.stringify(report).replaceAll("<", "\\u003c");
  const code = `\n${script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")}\n`;
  const look = `\n${style}\n`;
  const policy = policyOf(hashOf(code), hashOf(look), "");
  return html(
    title,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>${look}</style>`,
    `<script type="application/json" id="report">${data}</script>\n<script type="module">${code}</script>`,
  );
}
