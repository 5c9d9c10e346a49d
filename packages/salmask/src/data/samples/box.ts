/**
 * Left, top, right and bottom in pixels of the photo, from its upper left corner. A box that holds one pixel is one wide: COCO's
 * `[x, y, width, height]` is `[x, y, x + width, y + height]` here, and PASCAL VOC's inclusive corners from 1 are
 * `[xmin - 1, ymin - 1, xmax, ymax]`.
 */
export type Box = readonly [left: number, top: number, right: number, bottom: number];
