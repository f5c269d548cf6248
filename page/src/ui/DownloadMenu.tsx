/** Saves a result: a film as it is, a picture in one of the formats that hold it, with its settings inside. */
import { addresses } from "../api/client";
import type { Job } from "../api/types";
import { t } from "../text";
import { Icon } from "./Icon";

/** What a picture can be saved as, and what that is called. */
export const FORMATS = (): readonly (readonly [format: string, name: string])[] => [
  ["png", "PNG"],
  ["jpeg", "JPEG"],
  ["webp", "WebP"],
  ["tiff", t().download16],
];

export function DownloadMenu({ job }: { job: Job }) {
  return (
    <details
      class="menu"
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) event.currentTarget.open = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !event.currentTarget.open) return;
        event.stopPropagation();
        event.currentTarget.open = false;
      }}
    >
      <summary class="button primary">
        <Icon name="download" />
        {t().download}
      </summary>
      <ul>
        {FORMATS().map(([format, name]) => (
          <li key={format}>
            <a
              href={addresses.download(job.id, format)}
              download
              onClick={(event) => event.currentTarget.closest("details")?.removeAttribute("open")}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

export function DownloadFilm({ job }: { job: Job }) {
  return (
    <a class="button primary" href={addresses.savedFilm(job.id)} download>
      <Icon name="download" />
      {t().download}
    </a>
  );
}
