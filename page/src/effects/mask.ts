/** Masks as canvases: opaque where the region is. Drawn anew from strokes when one is taken back. */
import { addresses } from "../api/client";
import type { Picture } from "../api/types";
import type { Dab, Region, Stroke } from "../state/model";

const LONG_SIDE = 1024;

export class Mask {
  readonly canvas = document.createElement("canvas");
  /** What it is to be: the latest that was asked for, however long an earlier mask takes to come. */
  private region: Region | null = null;
  private drawn: readonly Stroke[] = [];
  private claimed: Stroke | null = null;
  private base: string | null = null;
  private under: HTMLImageElement | null = null;
  private laid: Promise<void> = Promise.resolve();
  /** Whether all pieces of the stroke at hand are still there. */
  private whole = true;

  constructor(photo: Picture) {
    const share = LONG_SIDE / Math.max(photo.width, photo.height);
    this.canvas.width = Math.max(1, Math.round(photo.width * Math.min(1, share)));
    this.canvas.height = Math.max(1, Math.round(photo.height * Math.min(1, share)));
  }

  private get ink(): CanvasRenderingContext2D {
    return this.canvas.getContext("2d") as CanvasRenderingContext2D;
  }

  /** Makes it what the region is. */
  async follow(region: Region): Promise<void> {
    this.region = region;
    if (this.base !== region.base) this.laid = this.lay(region.base);
    await this.laid;
    this.update(this.region.strokes);
  }

  /** Puts a mask from the server under all strokes. One that does not come is empty, and is asked for again. */
  private async lay(base: string | null): Promise<void> {
    this.base = base;
    const under = base === null ? null : await loaded(addresses.picture(base)).catch(() => undefined);
    if (this.base !== base) return; // Another is laid since.
    if (under === undefined) this.base = null;
    this.under = under ?? null;
    this.redraw(this.region?.strokes ?? []);
  }

  private update(strokes: readonly Stroke[]): void {
    if (this.drawn === strokes) return;
    const last = strokes.at(-1);
    const more = strokes.length === this.drawn.length + 1 && this.drawn.every((each, i) => each === strokes[i]);
    if (more && last === this.claimed) this.drawn = strokes;
    else this.redraw(strokes);
    this.claimed = null;
  }

  /** This stroke is there already: its pieces were drawn while it was made. */
  claim(stroke: Stroke): void {
    this.claimed = this.whole ? stroke : null;
  }

  /** A piece of a stroke. */
  dabs(stroke: Omit<Stroke, "dabs">, from: Dab | null, to: Dab): void {
    const { canvas, ink } = this;
    if (from === null) this.whole = true;
    const long = Math.max(canvas.width, canvas.height);
    ink.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
    const radius = (dab: Dab) => Math.max(0.5, (stroke.size * long * (0.3 + 0.7 * dab[2])) / 2);
    const start = from ?? to;
    const [dx, dy] = [(to[0] - start[0]) * canvas.width, (to[1] - start[1]) * canvas.height];
    const steps = Math.max(1, Math.ceil(Math.hypot(dx, dy) / Math.max(1, radius(to) / 4)));
    for (let step = from === null ? steps : 1; step <= steps; step++) {
      const share = step / steps;
      const x = (start[0] + (to[0] - start[0]) * share) * canvas.width;
      const y = (start[1] + (to[1] - start[1]) * share) * canvas.height;
      dot(ink, x, y, radius(start) + (radius(to) - radius(start)) * share, stroke.softness);
    }
    ink.globalCompositeOperation = "source-over";
  }

  /** White on black, as the server reads it, once all of it is here. */
  async png(): Promise<Blob> {
    if (this.region !== null) await this.follow(this.region);
    const flat = document.createElement("canvas");
    [flat.width, flat.height] = [this.canvas.width, this.canvas.height];
    const ink = flat.getContext("2d") as CanvasRenderingContext2D;
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, flat.width, flat.height);
    ink.drawImage(this.canvas, 0, 0);
    return new Promise((resolve, reject) =>
      flat.toBlob((blob) => (blob === null ? reject(new Error("no mask")) : resolve(blob)), "image/png"),
    );
  }

  redraw(strokes: readonly Stroke[]): void {
    const { canvas, ink } = this;
    ink.clearRect(0, 0, canvas.width, canvas.height);
    if (this.under !== null) {
      ink.drawImage(this.under, 0, 0, canvas.width, canvas.height);
      lightToOpaque(ink);
    }
    for (const stroke of strokes) this.stroke(stroke);
    this.drawn = strokes;
    this.whole = false;
  }

  private stroke(stroke: Stroke): void {
    stroke.dabs.forEach((dab, index) => {
      this.dabs(stroke, stroke.dabs[index - 1] ?? null, dab);
    });
  }
}

function dot(ink: CanvasRenderingContext2D, x: number, y: number, radius: number, softness: number): void {
  const fill = ink.createRadialGradient(x, y, radius * Math.min(0.95, 1 - softness), x, y, radius);
  // Dabs overlap: each is as faint as makes them solid together.
  fill.addColorStop(0, softness > 0 ? "rgba(255,255,255,0.5)" : "#fff");
  fill.addColorStop(1, "rgba(255,255,255,0)");
  ink.fillStyle = fill;
  ink.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

function lightToOpaque(ink: CanvasRenderingContext2D): void {
  const picture = ink.getImageData(0, 0, ink.canvas.width, ink.canvas.height);
  const values = picture.data;
  for (let at = 0; at < values.length; at += 4) {
    values[at + 3] = values[at] ?? 0;
    values.fill(255, at, at + 3);
  }
  ink.putImageData(picture, 0, 0);
}

export function loaded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}
