/** Picture formats, by content and by name, and which of them can be decoded. */

/** Formats that can be decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif";

export const FORMAT_NAMES = "JPEG, PNG, WebP, GIF, TIFF or AVIF";

/** Extensions of photos that can be decoded, in lower case. */
export const IMAGE_EXTENSIONS: readonly string[] =
  ".jpg .jpeg .jpe .jfif .png .webp .gif .tif .tiff .avif".split(" ");

/** Extensions of pictures that cannot be decoded: from phones and Windows, drawings, and raw files from cameras. */
const OTHER_PICTURES: ReadonlySet<string> = new Set(
  (
    ".heic .heif .hif .bmp .dib .ico .svg .svgz .jp2 .j2k .jxl .jxr .psd .xcf .tga .pcx .ppm .pgm .pbm .pnm .exr .hdr " +
    ".eps .dng .raw .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw"
  ).split(" "),
);

/** Why a file with this extension (lower case) is a picture that cannot be decoded; undefined for all others. */
export function whyNotDecoded(extension: string): string | undefined {
  if (!OTHER_PICTURES.has(extension)) return undefined;
  return `Expected a ${FORMAT_NAMES} file, got ${extension}. Convert it to JPEG or PNG to use it.`;
}

/** Brands (ISO/IEC 14496-12, "ftyp") of a HEIF file: the major one and the compatible ones. */
function heifBrands(head: string): string[] {
  if (head.slice(4, 8) !== "ftyp") return [];
  const boxBytes = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  return (head.slice(8, boxBytes).match(/.{4}/gs) ?? []).filter((_, i) => i !== 1); // the second is a version
}

/** The format from the first bytes, independent of the name; undefined if it cannot be decoded. */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString("latin1");
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "webp";
  if (/^GIF8[79]a/.test(head)) return "gif";
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return "tiff";
  const brands = heifBrands(head);
  return brands.includes("avif") || brands.includes("avis") ? "avif" : undefined;
}

/** A name for content that cannot be decoded, if it is known. */
export function nameOfContent(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString("latin1");
  if (head.startsWith("BM")) return "a BMP file";
  if (heifBrands(head).some((brand) => /^(he[iv][a-z]|mif1|msf1)$/.test(brand))) return "a HEIC file";
  return `the first bytes ${Buffer.from(head.slice(0, 8), "latin1").toString("hex")}`;
}
