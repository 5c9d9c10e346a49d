import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";

/**
 * Renames a folder that differs from what is asked for now, and returns a message; null where nothing differs. A result is never
 * deleted, and files that users added to the folder are moved with it.
 */
export async function setOthersAside(folder: string, differences: readonly string[]): Promise<string | null> {
  const [first, ...more] = differences;
  if (first === undefined) return null;
  let number = 1;
  while (existsSync(`${folder}.older-${number}`)) number++;
  const older = `${folder}.older-${number}`;
  await rename(folder, older);
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return `the run there has other settings (${first}${others}); it is kept in ${older}`;
}
