import { expect, it } from "vitest";
import { pictureNames } from "../../src/cli/detect-pictures.js";

it("names pictures by their photos' paths, and keeps extensions where names are the same without", () => {
  expect(pictureNames(["a.jpg", "b/a.jpg", "c.d/e.f.png"])).toEqual(["a.png", "b-a.png", "c.d-e.f.png"]);
  expect(pictureNames(["a.jpg", "a.png", "b.png"])).toEqual(["a.jpg.png", "a.png.png", "b.png"]);
});

it.each([
  [["x-a.jpg", "x/a.jpg"]],
  [["a.jpg", "a.jpg.png", "a.png"]],
  [["x-a.jpg", "x-a.jpg-2.jpg", "x/a.jpg"]],
])("gives no two of the photos %j the same name", (photos) => {
  expect(new Set(pictureNames(photos)).size).toBe(photos.length);
});
