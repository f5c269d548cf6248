/** How the next picture is to be painted: a few plain dials, and the rest under "More". */
import type { Choices, Value } from "../api/types";
import { applies, valueFor, wayOf } from "../state/applies";
import type { Draft } from "../state/model";
import { choices, draft, ownSide, photo } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { strokeScale, strokeSetting } from "../state/strokes";
import { percent, t } from "../text";
import { meaning, recipe, valueLabel } from "../text/settings";
import { Choice, Segments, Slider } from "./fields";
import { More } from "./More";
import { PartOfClip } from "./Part";
import { Regions } from "./Regions";

export function Controls() {
  const all = choices.value;
  if (all === null) return <p class="quiet">{t().loading}</p>;
  const now = draft.value;
  return (
    <section class="controls" aria-label={t().settings}>
      {!now.texture && (
        <Slider
          label={t().strength}
          help={t().strengthHelp}
          value={Number(valueFor("strength", now, all))}
          least={0}
          most={1}
          step={0.05}
          shown={percent(Number(valueFor("strength", now, all)))}
          ends={[now.film ? t().clipEnd : t().photoEnd, t().styleEnd]}
          onInput={(value) => set("strength", value)}
        />
      )}
      {!now.texture && Number(valueFor("strength", now, all)) > WHOLE && (
        <p class="help">{["fast", "video"].includes(wayOf(now, all)) ? t().strengthWhole : t().strengthPreview}</p>
      )}
      <Strokes draft={now} choices={all} />
      {now.film && photo.value?.moving && (
        <PartOfClip key={photo.value.id} clip={photo.value} moving={photo.value.moving} />
      )}
      <Regions />
      <Size draft={now} choices={all} />
      <Chosen of={Segments} name="quality" label={t().quality} draft={now} choices={all} />
      <Chosen of={Choice} name="steady" label={t().steady} draft={now} choices={all} />
      <Chosen of={Choice} name="keep_colour" label={t().colours} draft={now} choices={all} />
      {!now.texture && !now.film && wayOf(now, all) !== "fast" && (
        <Choice
          name="recipe"
          label={t().recipe}
          help={recipe(now.recipe)[1]}
          value={now.recipe}
          options={recipesToChoose(all, now.recipe).map((name) => ({ value: name, label: recipe(name)[0] }))}
          onChange={(name) => dispatch({ type: "recipe", name })}
        />
      )}
      <More draft={now} choices={all} />
    </section>
  );
}

/** The strength at which the fast method, and so every preview, has all of the style. */
const WHOLE = 0.5;

interface OfDraft {
  draft: Draft;
  choices: Choices;
}

/** "painted" is another name of the default's; what serves other tasks is no choice here. */
const OTHERS = new Set(["painted", "reconstruct", "texture"]);

function recipesToChoose(choices: Choices, chosen: string): string[] {
  return choices.recipes.map(({ name }) => name).filter((name) => name === chosen || !OTHERS.has(name));
}

/** A dial that doubles with every step of the same length: from a quarter to four times. */
function Strokes({ draft, choices }: OfDraft) {
  const scale = strokeScale(draft, choices, ownSide.value);
  return (
    <Slider
      label={t().strokes}
      help={t().strokesHelp}
      value={Math.log2(scale)}
      least={-2}
      most={2}
      step={0.25}
      shown={`× ${Number(scale.toFixed(2))}`}
      ends={[t().fine, t().broad]}
      onInput={(value) => set(...strokeSetting(draft, choices, 2 ** value, ownSide.value))}
    />
  );
}

const largest = select((s) => (s.access.kind === "open" ? s.access.session.max_size : 0));
const SIZES = ["512", "1024", "2048", "native"];

function Size({ draft, choices }: OfDraft) {
  const method = wayOf(draft, choices);
  const value = String(valueFor("size", draft, choices));
  const usual = { fast: "1024", video: "native" }[method] ?? "512";
  const own = value === "auto" ? usual : value;
  const allowed = SIZES.filter((each) => (each === "native" ? !draft.texture : Number(each) <= largest.value));
  const options = allowed.includes(own) ? allowed : [own, ...allowed];
  return (
    <Segments
      name="size"
      label={t().size}
      help={value === "auto" && method === "fast" ? `${t().sizeHelp} ${t().sizeAtOnce(usual)}` : t().sizeHelp}
      value={own}
      options={options.map((each) => ({ value: each, label: each === "native" ? t().own : each }))}
      onChange={(each) => set("size", each)}
    />
  );
}

interface ChosenProps extends OfDraft {
  of: typeof Segments<string> | typeof Choice<string>;
  name: string;
  label: string;
}

/** One of a few words; not there where it would have no effect. */
function Chosen({ of: Field, name, label, draft, choices }: ChosenProps) {
  const setting = choices.settings.find((each) => each.name === name);
  if (setting?.choices == null || !applies(setting, draft, choices)) return null;
  return (
    <Field
      name={name}
      label={label}
      help={Field === Segments ? meaning(setting) : undefined}
      value={String(valueFor(name, draft, choices))}
      options={setting.choices.map((each) => ({ value: each, label: valueLabel(name, each) }))}
      onChange={(value) => set(name, value)}
    />
  );
}

function set(name: string, value: Value | undefined): void {
  dispatch({ type: "setting", name, value });
}
