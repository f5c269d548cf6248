import { effect } from "@preact/signals";
import { render } from "preact";
import { tellOfEnds } from "./effects/ended";
import { keepEstimate } from "./effects/estimate";
import { keepMasks } from "./effects/masks";
import { keepPreview } from "./effects/preview";
import { recall, remember } from "./effects/remember";
import { enter } from "./effects/session";
import { watchSteps } from "./effects/still";
import { select } from "./state/store";
import { App } from "./ui/App";
import "./style/index.css";

const tastes = select((s) => s.tastes);

recall();
effect(() => {
  const { language, theme } = tastes.value;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = theme;
});
remember();
keepMasks();
keepPreview();
keepEstimate();
watchSteps();
tellOfEnds();
render(<App />, document.body);
void enter();
