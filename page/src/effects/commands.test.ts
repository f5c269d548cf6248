import { expect, test } from "vitest";
import { dispatch, state } from "../state/store";
import { choosePainting } from "./commands";

test("a painting chosen for a region is that region's alone, also when it arrives after the brush was left", () => {
  dispatch({ type: "photo", id: "cat" });
  choosePainting("night");
  dispatch({ type: "region-added", region: { key: "r", found: null } });
  const region = state.value.painting;
  choosePainting("wave");
  const now = () => [state.value.draft.look.mix.map(({ id }) => id), state.value.draft.regions.cat?.[0]?.painting];
  expect(now()).toEqual([["night"], "wave"]);
  dispatch({ type: "paint-region", key: null });
  choosePainting("storm", false, region);
  expect(now()).toEqual([["night"], "storm"]);
  choosePainting("storm");
  expect(now()).toEqual([["storm"], "storm"]);
});
