/** Every other setting that has an effect on the draft, from its own declaration. */
import { useEffect, useRef } from "preact/hooks";
import type { Choices, Setting, Value } from "../api/types";
import { applies, valueFor } from "../state/applies";
import type { Draft } from "../state/model";
import { dispatch, select } from "../state/store";
import { t } from "../text";
import { inWords, label, meaning, valueLabel } from "../text/settings";
import { Icon } from "./Icon";

const fault = select((s) => s.fault);

/** Those that have a dial of their own. */
const PLAIN = new Set(["strength", "style_scale", "stroke_size", "size", "quality", "keep_colour", "steady"]);

export function More({ draft, choices }: { draft: Draft; choices: Choices }) {
  const details = useRef<HTMLDetailsElement>(null);
  const wrong = fault.value?.setting;
  useEffect(() => {
    if (wrong === undefined || details.current === null) return;
    details.current.open = true;
    details.current.querySelector(`[data-setting="${CSS.escape(wrong)}"]`)?.scrollIntoView({ block: "center" });
  }, [wrong]);
  const others = choices.settings.filter((each) => !PLAIN.has(each.name) || each.name === wrong);
  const heeded = others.filter((each) => each.name === wrong || applies(each, draft, choices));
  return (
    <div class="more-row">
      <details class="more" ref={details}>
        <summary>{t().more}</summary>
        <p class="quiet">{t().moreHelp}</p>
        {[...new Set(heeded.map(({ group }) => group))].map((group) => (
          <fieldset key={group} class="group">
            <legend>{group === "Look" ? t().groupLook : group === "Run" ? t().groupRun : group}</legend>
            {heeded
              .filter((each) => each.group === group)
              .map((each) => (
                <Field
                  key={each.name}
                  setting={each}
                  value={valueFor(each.name, draft, choices)}
                  changed={each.name in draft.settings}
                />
              ))}
          </fieldset>
        ))}
      </details>
      {Object.keys(draft.settings).length > 0 && (
        <button type="button" class="quiet-button" onClick={() => dispatch({ type: "settings-reset" })}>
          {t().resetAll}
        </button>
      )}
    </div>
  );
}

function Field({ setting, value, changed }: { setting: Setting; value: Value; changed: boolean }) {
  const { name } = setting;
  const wrong = fault.value?.setting === name ? fault.value.text : null;
  return (
    <div class={changed ? "setting changed" : "setting"} data-setting={name}>
      <label for={`setting-${name}`}>{label(name)}</label>
      <span class="setting-value">
        <Input setting={setting} value={value} />
        {changed && (
          <button
            type="button"
            class="square small"
            title={t().reset}
            aria-label={`${label(name)}: ${t().reset}`}
            onClick={() => dispatch({ type: "setting", name, value: undefined })}
          >
            <Icon name="undo" />
          </button>
        )}
      </span>
      <small class="help" id={`help-${name}`}>
        {meaning(setting)}
      </small>
      {wrong !== null && (
        <small class="wrong" role="alert">
          {wrong}
        </small>
      )}
    </div>
  );
}

function Input({ setting, value }: { setting: Setting; value: Value }) {
  const { name } = setting;
  const common = { id: `setting-${name}`, name, "aria-describedby": `help-${name}` };
  const set = (next: Value | undefined) => dispatch({ type: "setting", name, value: next });
  switch (setting.type) {
    case "bool":
      return (
        <input
          {...common}
          type="checkbox"
          checked={value === true}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <select {...common} value={String(value)} onChange={(event) => set(event.currentTarget.value)}>
          {(setting.choices ?? []).map((each) => (
            <option key={each} value={each}>
              {valueLabel(name, each)}
            </option>
          ))}
        </select>
      );
    case "number":
    case "integer":
      return (
        <input
          {...common}
          type="number"
          step={setting.type === "integer" ? 1 : "any"}
          {...(setting.least === null ? {} : { min: setting.least })}
          {...(setting.most === null ? {} : { max: setting.most })}
          value={Number(value)}
          onChange={(event) => {
            const next = event.currentTarget.valueAsNumber;
            set(Number.isNaN(next) ? undefined : next);
          }}
        />
      );
    case "text":
      return (
        <input
          {...common}
          type="text"
          spellcheck={false}
          autocomplete="off"
          value={inWords(setting.name, value)}
          onChange={(event) => set(event.currentTarget.value.trim() || undefined)}
        />
      );
  }
}
