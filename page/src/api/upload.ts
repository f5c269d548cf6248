/** What was sent, and whether it was not here before. */
export interface Sent {
  readonly picture: Picture;
  readonly fresh: boolean;
}

/** Sends the bytes of a picture or a clip as they are, and tells how far it is: which fetch cannot. */
import { at, refusal } from "./client";
import type { Picture } from "./types";

/** A folder that was dropped, or a file that is gone, locked, or has changed since it was chosen. */
export class Unreadable extends Error {}

export async function upload(
  file: Blob,
  kind: Picture["kind"],
  name: string,
  progress: (share: number) => void = () => {},
): Promise<Sent> {
  // The browser calls it a lost connection.
  await file
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => Promise.reject(new Unreadable()));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const to = kind === "clip" ? "clips?" : `pictures?kind=${kind}&`;
    request.open("PUT", at(`${to}name=${encodeURIComponent(name)}`));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300
        ? resolve({ picture: JSON.parse(request.responseText), fresh: request.status === 201 })
        : reject(refusal(request.status, request.responseText));
    request.onerror = () => reject(refusal(0, ""));
    request.send(file);
  });
}
