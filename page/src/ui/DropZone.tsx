/** Files dropped anywhere: while they hover, two halves ask what they are to be. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { addFiles, type Purpose } from "../effects/commands";
import { draft, photo } from "../state/selectors";
import { t } from "../text";
import { Icon } from "./Icon";

/** Whether files hover over the page, and over which half. */
const hovering = signal<{ over: Purpose | null } | null>(null);

export function DropZone() {
  useEffect(listen, []);
  const now = hovering.value;
  if (now === null) return null;
  return (
    <div class="drop" aria-hidden="true">
      {([subject(), "painting"] as const).map((kind) => (
        <div key={kind} class={now.over === kind ? "drop-target over" : "drop-target"} data-kind={kind}>
          <Icon name={kind === "painting" ? "palette" : kind === "clip" ? "film" : "photo"} />
          {{ photo: t().dropPhoto, clip: t().dropClip, painting: t().dropPainting }[kind]}
        </div>
      ))}
      <p>{t().dropHelp}</p>
    </div>
  );
}

function listen(): () => void {
  const heard = new AbortController();
  const on = <K extends keyof DocumentEventMap>(name: K, take: (event: DocumentEventMap[K]) => void) =>
    document.addEventListener(name, take, { signal: heard.signal });
  on("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const over = half(event);
    if (hovering.value?.over !== over || hovering.value === null) hovering.value = { over };
  });
  on("dragleave", (event) => {
    if (event.relatedTarget === null) hovering.value = null;
  });
  on("drop", (event) => {
    if (hovering.value === null) return;
    event.preventDefault();
    hovering.value = null;
    void addFiles(event.dataTransfer?.files ?? [], half(event) ?? missing());
  });
  on("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    void addFiles(files, missing());
  });
  return () => heard.abort();
}

function half(event: DragEvent): Purpose | null {
  const target = event.target instanceof Element ? event.target.closest<HTMLElement>(".drop-target") : null;
  return (target?.dataset.kind as Purpose | undefined) ?? null;
}

/** What is painted: a clip, where a film is asked for. */
function subject(): Purpose {
  return draft.value.film ? "clip" : "photo";
}

/** What is still needed: first a photo, then paintings. */
function missing(): Purpose {
  return photo.peek() === null && !draft.peek().texture ? subject() : "painting";
}
