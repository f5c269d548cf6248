/** Sends a picture's bytes as they are, and tells how far it is: which fetch cannot. */
import { at, refusal } from "./client";
import type { Picture } from "./types";

export function upload(
  file: Blob,
  kind: Picture["kind"],
  name: string,
  progress: (share: number) => void = () => {},
): Promise<Picture> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", at(`pictures?kind=${kind}&name=${encodeURIComponent(name)}`));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300
        ? resolve(JSON.parse(request.responseText))
        : reject(refusal(request.status, request.responseText));
    request.onerror = () => reject(refusal(0, ""));
    request.send(file);
  });
}
