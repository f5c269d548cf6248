import { expect, test, vi } from "vitest";
import type { Picture } from "../api/types";
import type { Region, Stroke } from "../state/model";
import { Mask } from "./mask";

const REGION: Region = {
  key: "r",
  tint: 0,
  painting: null,
  found: null,
  mask: "m",
  base: "m",
  strokes: [],
  undone: [],
};
const stroke = (x: number): Stroke => ({ size: 0.1, softness: 0, erase: false, dabs: [[x, 0.5, 1]] });

/** In place of a canvas, which is not here: its first one is the mask's, and tells what it holds. */
function drawing() {
  const held: string[][] = [];
  const canvas = () => {
    const own: string[] = [];
    held.push(own);
    const ink = {
      clearRect: () => own.splice(0),
      createRadialGradient: (x: number) => ({ addColorStop: () => {}, x }),
      fillStyle: { x: 0 },
      fillRect: () => own.push(`dot ${ink.fillStyle.x}`),
      drawImage: (image: object) => "src" in image && own.push(String(image.src)),
      getImageData: () => ({ data: new Uint8ClampedArray() }),
      putImageData: () => {},
    };
    const toBlob = (give: (blob: Blob) => void) => give(new Blob([(held[0] ?? []).join()]));
    return { getContext: () => Object.assign(ink, { canvas: { width: 100, height: 100 } }), toBlob };
  };
  vi.stubGlobal("document", { createElement: canvas });
  let came = (_: boolean): void => {};
  vi.stubGlobal(
    "Image",
    class {
      src = "";
      decode = () => new Promise<void>((resolve, reject) => (came = (there) => (there ? resolve() : reject())));
    },
  );
  return { arrives: (there = true) => came(there) };
}

const MASK = "api/pictures/m/file";
const sent = async (mask: Mask) => (await mask.png()).text();

test("a stroke that is painted before an earlier mask is here goes onto it", async () => {
  const { arrives } = drawing();
  const mask = new Mask({ width: 100, height: 100 } as Picture);
  const [first, second] = [stroke(0.2), stroke(0.4)];
  void mask.follow(REGION);
  mask.dabs(first, null, [0.2, 0.5, 1]);
  mask.claim(first);
  void mask.follow({ ...REGION, strokes: [first] });
  // One is under way as it comes, which takes its pieces away.
  mask.dabs(second, null, [0.4, 0.5, 1]);
  const png = sent(mask);
  arrives();
  expect(await png).toBe(`${MASK},dot 20`);
  mask.claim(second);
  await mask.follow({ ...REGION, strokes: [first, second] });
  expect(await sent(mask)).toBe(`${MASK},dot 20,dot 40`);
  vi.unstubAllGlobals();
});

test("a mask that did not come is asked for again before what is painted over it is sent", async () => {
  const { arrives } = drawing();
  const mask = new Mask({ width: 100, height: 100 } as Picture);
  const first = mask.follow(REGION);
  arrives(false);
  await first;
  const then = mask.follow({ ...REGION, strokes: [stroke(0.2)] });
  arrives();
  await then;
  expect(await sent(mask)).toBe(`${MASK},dot 20`);
  vi.unstubAllGlobals();
});
