/** Tells what went wrong, in the server's own sentence where it has one. */
import { Refused } from "../api/client";
import { Unreadable } from "../api/upload";
import type { Notice } from "../state/model";
import { dispatch } from "../state/store";
import { t } from "../text";
import { said } from "../text/said";

/** Milliseconds that news stay. */
const SEEN = 6000;

let count = 0;

export function tell(text: string, kind: Notice["kind"] = "news", job: string | null = null): void {
  const key = `notice-${++count}`;
  dispatch({ type: "notice", notice: { key, kind, text, job } });
  if (kind === "news") whenSeen(() => setTimeout(() => dispatch({ type: "notice-read", key }), SEEN));
}

/** At once, or as soon as somebody looks at the page. */
function whenSeen(act: () => void): void {
  if (document.hidden) document.addEventListener("visibilitychange", () => whenSeen(act), { once: true });
  else act();
}

export function sentence(error: unknown): string {
  if (error instanceof Unreadable) return t().unreadable;
  if (!(error instanceof Refused)) return t().failedOffline;
  if (error.status === 429 && error.message === "") return t().queueFull;
  return said(error.message) || (error.status === 0 ? t().failedOffline : t().failedGeneral);
}

/** Does it, and tells when it fails, and with which file. A session that has ended closes the page. */
export async function attempt<T>(act: () => Promise<T>, file?: string): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) dispatch({ type: "closed", wrong: false });
    else tell(file === undefined ? sentence(error) : `${file}: ${sentence(error)}`, "error");
    return null;
  }
}
