/** What can be wrong with a box. */
import type { Box } from "../samples/box.js";
import type { FaultCode } from "./faults.js";

/** Boxes leave their photos by this much in published sets too: corners from 0 or from 1, and rounding. */
const tolerance = 1;

interface BoxFault {
  readonly code: Extract<FaultCode, "empty-box" | "box-outside">;
  readonly message: string;
}

/** Null where a box has an area and lies in its photo, give or take a pixel. */
export function boxFault(
  box: Box,
  photo: { readonly height: number; readonly width: number },
): BoxFault | null {
  const [left, top, right, bottom] = box;
  const [width, height] = [right - left, bottom - top];
  if (!(width > 0 && height > 0)) {
    return { code: "empty-box", message: `Expected a box with an area, got ${width} x ${height} pixels.` };
  }
  const isInside =
    left >= -tolerance &&
    top >= -tolerance &&
    right <= photo.width + tolerance &&
    bottom <= photo.height + tolerance;
  if (isInside) return null;
  const corners = `${left}, ${top} to ${right}, ${bottom}`;
  return {
    code: "box-outside",
    message: `Expected a box within the photo of ${photo.width} x ${photo.height} pixels, got one from ${corners}.`,
  };
}
