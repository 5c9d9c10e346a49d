/** Small pictures that a run leaves of what it saw: one file of pixels, and one that says what they are. */
import { z } from "zod";

const side = z.int().min(1).max(512);

/** Beside `views.jpg`: each row of the picture is a photo, each column a step on its way to the encoder. */
export const viewsFileSchema = z.object({
  /** Steps that were done. */
  step: z.int(),
  /** Of a small picture, in pixels. */
  side,
  columns: z.array(z.string()),
  photos: z.array(z.string()),
});

export type ViewsFile = z.infer<typeof viewsFileSchema>;

/** Beside `map.jpg`, which has the photos in this order, row by row. */
export const mapFileSchema = z.object({
  step: z.int(),
  side,
  /** Small pictures in a row. */
  across: z.int().min(1),
  photos: z.array(
    z.object({
      name: z.string(),
      label: z.string().nullable(),
      x: z.number().min(0).max(1),
      y: z.number().min(0).max(1),
    }),
  ),
});

export type MapFile = z.infer<typeof mapFileSchema>;
