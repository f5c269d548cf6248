/** Downloads results as files of their own, one after the other. */
import { addresses, refusal } from "../api/client";
import type { Job } from "../api/types";
import { dispatch, state } from "../state/store";
import { t } from "../text";
import { attempt, tell } from "./notices";

export async function downloadAll(jobs: readonly Job[], format: string): Promise<void> {
  const made = jobs.filter(({ film, revision }) => film || revision > 0);
  if (state.peek().saving !== null) return;
  let failed = 0;
  for (const [done, job] of made.entries()) {
    dispatch({ type: "saving", saving: { done, all: made.length } });
    if ((await attempt(() => (job.film ? saveFilm(job) : savePicture(job, format)))) === null) failed++;
  }
  dispatch({ type: "saving", saving: null });
  if (failed < made.length) tell(t().downloaded(made.length - failed));
}

/** It is written for this first: the next begins when it is here. */
async function savePicture(job: Job, format: string): Promise<true> {
  const response = await fetch(addresses.download(job.id, format));
  if (!response.ok) throw refusal(response.status, await response.text());
  const name = nameIn(response.headers.get("Content-Disposition") ?? "");
  const address = URL.createObjectURL(await response.blob());
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return true;
}

/** What the header Content-Disposition calls a file: in any script, if it does. */
export function nameIn(header: string): string | undefined {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  return encoded === undefined ? /filename="([^"]+)"/.exec(header)?.[1] : decodeURIComponent(encoded);
}

/** The browser fetches it by itself: it may be larger than its memory. */
async function saveFilm(job: Job): Promise<true> {
  save(addresses.savedFilm(job.id));
  await new Promise((resolve) => setTimeout(resolve, 500));
  return true;
}

function save(address: string, name = ""): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
