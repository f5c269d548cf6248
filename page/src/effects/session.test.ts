import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dispatch, state } from "../state/store";
import { enter } from "./session";

const sent: string[] = [];
/** What the server answers to the token, and to who has a session. */
let [toToken, toSession] = [204, 200];
const location = { hash: "", pathname: "/", search: "" };

beforeEach(() => {
  vi.useFakeTimers();
  sent.length = 0;
  vi.stubGlobal("location", location);
  vi.stubGlobal("history", { replaceState: () => Object.assign(location, { hash: "" }) });
  vi.stubGlobal(
    "EventSource",
    class {
      addEventListener() {}
      close() {}
    },
  );
  vi.stubGlobal("fetch", async (_: string, { method, body }: RequestInit) => {
    const status = method === "POST" ? toToken : toSession;
    if (body) sent.push(JSON.parse(String(body)).token);
    return new Response(status === 204 ? null : "{}", { status });
  });
  dispatch({ type: "closed", wrong: false });
});

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function entered(hash: string, token: number, session: number) {
  Object.assign(location, { hash });
  [toToken, toSession] = [token, session];
  await enter();
  return [state.value.access.kind, location.hash];
}

test("a token opens the studio and leaves the address, whatever is in it", async () => {
  expect(await entered("#token=a%2Bb%25%26c", 204, 200)).toEqual(["open", ""]);
  await entered("#token=a+b%", 204, 200);
  expect(sent).toEqual(["a+b%&c", "a+b%"]);
});

test("an old link shuts nobody out who has a session, and else is told to be wrong", async () => {
  expect(await entered("#token=old", 401, 200)).toEqual(["open", ""]);
  expect(await entered("#token=old", 401, 401)).toEqual(["closed", ""]);
  expect(state.value.access).toEqual({ kind: "closed", wrong: true });
});

test("a token stays in the address until it was accepted or refused, and is tried again", async () => {
  expect(await entered("#token=t", 503, 503)).toEqual(["closed", "#token=t"]);
  [toToken, toSession] = [204, 200];
  await vi.advanceTimersByTimeAsync(3000);
  expect([state.value.access.kind, location.hash]).toEqual(["open", ""]);
});
