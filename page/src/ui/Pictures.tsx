/** Pictures on the stage. */
import { useEffect, useRef, useState } from "preact/hooks";
import { loaded } from "../effects/mask";
import { drawn, maskOf } from "../effects/masks";
import type { Region } from "../state/model";

/** A picture whose successor is shown only when it is there: nothing flickers. */
export function Steady({ source, alt }: { source: string; alt: string }) {
  const [shown, show] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    loaded(source).then(
      () => wanted && show(source),
      () => {}, // Gone meanwhile: the last one stays.
    );
    return () => {
      wanted = false;
    };
  }, [source]);
  return shown === null ? null : <img src={shown} alt={alt} draggable={false} />;
}

interface CompositeProps {
  /** Pictures by region, that of the rest under "". */
  layers: Readonly<Record<string, string>>;
  photo: string;
  regions: readonly Region[];
  label: string;
}

/** The preview of a photo with regions: each painted through its mask, as the server will. */
export function Composite({ layers, photo, regions, label }: CompositeProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = drawn.value;
  useEffect(() => {
    let wanted = true;
    const sources = [layers[""] ?? photo, ...regions.map(({ key }) => layers[key])];
    Promise.all(sources.map((source) => (source === undefined ? null : loaded(source)))).then(
      ([base, ...others]) => wanted && base && compose(canvas.current, base, regions, others),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [layers, photo, regions, version]);
  return <canvas ref={canvas} role="img" aria-label={label} />;
}

function compose(
  canvas: HTMLCanvasElement | null,
  base: HTMLImageElement,
  regions: readonly Region[],
  layers: readonly (HTMLImageElement | null | undefined)[],
): void {
  const ink = canvas?.getContext("2d");
  if (!canvas || !ink) return;
  const size = layers.find((layer) => layer) ?? base;
  [canvas.width, canvas.height] = [size.naturalWidth, size.naturalHeight];
  ink.drawImage(base, 0, 0, canvas.width, canvas.height);
  regions.forEach(({ key }, index) => {
    const [layer, mask] = [layers[index], maskOf(key)];
    if (!layer || mask === null) return;
    ink.drawImage(
      masked(mask.canvas, canvas, (own) => own.drawImage(layer, 0, 0, canvas.width, canvas.height)),
      0,
      0,
    );
  });
}

/** What is drawn, as far as the mask is opaque. */
function masked(
  mask: HTMLCanvasElement,
  { width, height }: { width: number; height: number },
  draw: (ink: CanvasRenderingContext2D) => void,
): HTMLCanvasElement {
  const own = document.createElement("canvas");
  [own.width, own.height] = [width, height];
  const ink = own.getContext("2d") as CanvasRenderingContext2D;
  ink.drawImage(mask, 0, 0, width, height);
  ink.globalCompositeOperation = "source-in";
  draw(ink);
  return own;
}

/** Thin light lines, which are seen where the photo has the tint's own colour. */
function hatch(ink: CanvasRenderingContext2D, { width, height }: { width: number; height: number }): void {
  const apart = Math.max(width, height) / 48;
  ink.globalCompositeOperation = "source-atop";
  ink.strokeStyle = "rgb(255 255 255 / 0.6)";
  ink.lineWidth = apart / 8;
  ink.beginPath();
  for (let x = -height; x < width; x += apart) {
    ink.moveTo(x, height);
    ink.lineTo(x + height, 0);
  }
  ink.stroke();
}

export const TINT_COLOURS = ["#e4572e", "#2e9cca", "#8cb369", "#a663cc", "#f2b134", "#17b890"];

/** Where the regions are, as tints; the one being painted in full. */
export function Tints({ regions, editing }: { regions: readonly Region[]; editing: string | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = drawn.value;
  useEffect(() => {
    const ink = canvas.current?.getContext("2d");
    // One that the server finds has no mask, and all others are of one size.
    const size = regions.map(({ key }) => maskOf(key)?.canvas).find((each) => each !== undefined);
    if (!canvas.current || !ink || !size) return;
    [canvas.current.width, canvas.current.height] = [size.width, size.height];
    for (const { key, tint } of regions) {
      const mask = maskOf(key);
      if (mask === null) continue;
      ink.globalAlpha = key === editing ? 0.6 : 0.35;
      const fill = (own: CanvasRenderingContext2D) => {
        own.fillStyle = TINT_COLOURS[tint] as string;
        own.fillRect(0, 0, size.width, size.height);
        hatch(own, size);
      };
      ink.drawImage(masked(mask.canvas, size, fill), 0, 0);
    }
  }, [regions, editing, version]);
  return <canvas class="tints" ref={canvas} />;
}
