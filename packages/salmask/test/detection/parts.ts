import { Goldens } from "../../../torch/test/support/goldens.js";

/** What torchvision's own part of this name makes of drawn input. */
export function goldensOf(part: string): Goldens {
  return Goldens.make(new URL("parts_golden.py", import.meta.url), part);
}
