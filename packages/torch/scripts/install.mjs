// npm runs this when the package is installed: it builds the addon. In a clone of the repository it does nothing, because
// `npm run setup` builds there.
import { existsSync } from "node:fs";

if (!existsSync(new URL("../../../scripts/setup.mjs", import.meta.url))) await import("./build.mjs");
