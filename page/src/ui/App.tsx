/** The page as a whole. */
import { useEffect } from "preact/hooks";
import type { Tab } from "../state/model";
import { shown } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { t } from "../text";
import { Closed } from "./Closed";
import { Controls } from "./Controls";
import { DropZone } from "./DropZone";
import { Gallery } from "./Gallery";
import { Help } from "./Help";
import { History } from "./History";
import { JobPanel } from "./JobPanel";
import { Notices } from "./Notices";
import { PaintButton } from "./PaintButton";
import { Queue } from "./Queue";
import { Remove } from "./Remove";
import { Results } from "./Results";
import { Stage } from "./Stage";
import { listenToKeys } from "./shortcuts";
import { TopBar } from "./TopBar";

const access = select((s) => s.access);
const dialog = select((s) => s.dialog);
const tab = select((s) => s.tab);

export function App() {
  if (access.value.kind === "asking") return <Notices />;
  return access.value.kind === "closed" ? <Closed wrong={access.value.wrong} /> : <Studio />;
}

function Studio() {
  useEffect(listenToKeys, []);
  return (
    <div class="studio" data-tab={tab.value}>
      <TopBar />
      <Stage />
      <Tabs />
      <Gallery />
      <aside class="side panel" aria-label={t().settings}>
        <div class="side-scroll" key={shown.value?.id ?? "draft"}>
          {shown.value === null ? <Controls /> : <JobPanel job={shown.value} />}
          <Queue />
        </div>
        {shown.value === null && <PaintButton />}
      </aside>
      <Results />
      <DropZone />
      <Notices />
      {dialog.value !== null && typeof dialog.value === "object" && <Remove doomed={dialog.value} />}
      {dialog.value === "help" && <Help />}
      {dialog.value === "history" && <History />}
    </div>
  );
}

/** On a narrow screen, one part at a time. */
function Tabs() {
  const tabs: readonly (readonly [Tab, string])[] = [
    ["style", t().style],
    ["settings", shown.value === null ? t().settings : t().thisResult],
    ["results", t().allResults],
  ];
  return (
    <nav class="tabs">
      {tabs.map(([name, words]) => (
        <button
          key={name}
          type="button"
          aria-pressed={tab.value === name}
          onClick={() => dispatch({ type: "tab", tab: name })}
        >
          {words}
        </button>
      ))}
    </nav>
  );
}
