/**
 * The facts in a JPEG's header that decide which decoder reads it: ITU-T T.81 (frame and segments), Adobe's APP14
 * (colour transform), Exif's APP1 (orientation) and the ICC's APP2 (colour profile).
 */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 8-bit baseline, grey or YCbCr, upright, in sRGB: the plain decoder is enough. */
  readonly plain: boolean;
}

const ORIENTATION_TAG = 0x0112;

/** The orientation in an Exif block (`II*` or `MM*` TIFF); 1 if it contains none, 0 if it cannot be read. */
function exifOrientation(tiff: Buffer): number {
  if (tiff.length < 8) return 0;
  const order = tiff.toString("latin1", 0, 2);
  if (order !== "II" && order !== "MM") return 0;
  const little = order === "II";
  const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const ifd = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (ifd + 2 > tiff.length) return 0;
  for (let i = 0, at = ifd + 2; i < u16(ifd); i++, at += 12) {
    if (at + 12 > tiff.length) return 0;
    if (u16(at) === ORIENTATION_TAG) return u16(at + 8);
  }
  return 1;
}

/** Reads the segments up to the first scan. Undefined if they are invalid. */
export function readJpegHeader(bytes: Buffer): JpegHeader | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  let frame: { width: number; height: number; plain: boolean } | undefined;
  let upright = true;
  let standardColours = true;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const body = bytes.subarray(at + 4, end);
    if (end > bytes.length) return undefined;
    if (marker === 0xda) return frame && { ...frame, plain: frame.plain && upright && standardColours };
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (body.length < 6) return undefined;
      const [precision, components] = [body[0], body[5]];
      frame = {
        height: body.readUInt16BE(1),
        width: body.readUInt16BE(3),
        plain: marker === 0xc0 && precision === 8 && (components === 1 || components === 3),
      };
    } else if (marker === 0xe1 && body.toString("latin1", 0, 6) === "Exif\0\0") {
      upright &&= exifOrientation(body.subarray(6)) === 1;
    } else if (marker === 0xe2 && body.toString("latin1", 0, 12) === "ICC_PROFILE\0") {
      standardColours &&= body.includes("sRGB IEC61966");
    } else if (marker === 0xee && body.length >= 12 && body.toString("latin1", 0, 5) === "Adobe") {
      standardColours &&= body[11] === 1; // 1 is YCbCr; 0 is RGB or CMYK, 2 is YCCK
    }
    at = end;
  }
  return undefined;
}
