/** The server's JSON API, one function a call. */
import type { Choices, Estimate, EstimateRequest, Job, JobRequest, Picture, PreviewRequest, Session } from "./types";

/** What the server said no with. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The name of the setting that it is about. */
    readonly setting: string | null = null,
  ) {
    super(message);
  }
}

/** Whether the same may be answered otherwise a while later: nobody was there, or had the time, or something broke. */
export function mayPass(error: unknown): boolean {
  return !(error instanceof Refused) || [0, 408, 429, 500, 502, 503, 504].includes(error.status);
}

// Relative to the page: it may stand under any path.
export const at = (path: string): string => `api/${path}`;
const sized = (path: string, side?: number): string => at(side === undefined ? path : `${path}?side=${side}`);
const id = encodeURIComponent;

export const addresses = {
  picture: (picture: string, side?: number) => sized(`pictures/${id(picture)}/file`, side),
  frame: (clip: string, frame: number) => at(`pictures/${id(clip)}/file?frame=${frame}`),
  moment: (clip: string, time: number, edge: "start" | "end", side: number) =>
    at(`pictures/${id(clip)}/file?at=${time}&edge=${edge}&side=${side}`),
  painted: (painting: string, photo: string, side: number) =>
    at(`paintings/${id(painting)}?photo=${id(photo)}&side=${side}`),
  learnt: (network: string, index: number, photo: string, side: number) =>
    at(`learnt/${id(network)}/${index}?photo=${id(photo)}&side=${side}`),
  result: (job: string, revision: number, side?: number) =>
    at(`jobs/${id(job)}/picture?revision=${revision}${side === undefined ? "" : `&side=${side}`}`),
  snapshot: (job: string, iteration: number, side?: number) => sized(`jobs/${id(job)}/snapshots/${iteration}`, side),
  download: (job: string, format: string) => at(`jobs/${id(job)}/download?format=${format}`),
  film: (job: string, revision: number) => at(`jobs/${id(job)}/film?revision=${revision}`),
  savedFilm: (job: string) => at(`jobs/${id(job)}/film?save=true`),
  events: at("events"),
};

export const api = {
  session: () => json<Session>("GET", "session"),
  open: (token: string) => call("POST", "session", { token }),
  /** Whether the stream of events may be had, which it does not say itself. */
  listened: async () => {
    const abort = new AbortController();
    await call("GET", "events", undefined, abort.signal);
    abort.abort();
  },
  choices: () => json<Choices>("GET", "choices"),
  pictures: (kind: Picture["kind"]) => json<Picture[]>("GET", `pictures?kind=${kind}`),
  removePicture: (picture: string) => call("DELETE", `pictures/${id(picture)}`),
  jobs: () => json<Job[]>("GET", "jobs"),
  paint: (request: JobRequest) => json<Job>("POST", "jobs", request),
  estimate: (request: EstimateRequest, signal: AbortSignal) => json<Estimate>("POST", "jobs/estimate", request, signal),
  cancel: (job: string) => json<Job>("POST", `jobs/${id(job)}/cancel`),
  goOn: (job: string, iterations: number) => json<Job>("POST", `jobs/${id(job)}/go-on`, { iterations }),
  move: (job: string, position: number) => call("POST", `jobs/${id(job)}/move`, { position }),
  removeJob: (job: string) => call("DELETE", `jobs/${id(job)}`),
  preview: async (request: PreviewRequest, signal: AbortSignal) =>
    (await call("POST", "preview", request, signal)).blob(),
};

async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await call(method, path, body, signal)).json();
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const request: RequestInit = { method, signal };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(at(path), request);
  if (!response.ok) throw refusal(response.status, await response.text());
  return response;
}

export function refusal(status: number, text: string): Refused {
  try {
    const { error, setting } = JSON.parse(text);
    if (typeof error === "string") return new Refused(status, error, setting ?? null);
  } catch {
    // A proxy's own page, or nothing: the status must do.
  }
  return new Refused(status, "");
}
