/** A name in a form for folders: small letters, digits and single hyphens; empty where the name has no letter or digit. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
