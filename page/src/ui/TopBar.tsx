import { dispatch, select } from "../state/store";
import { nextTheme } from "../state/theme";
import { t } from "../text";
import { Tool } from "./StageBar";

const tastes = select((s) => s.tastes);

export function TopBar() {
  const { language, theme } = tastes.value;
  const named = { auto: t().themeAuto, light: t().themeLight, dark: t().themeDark }[theme];
  const icon = ({ auto: "auto", light: "sun", dark: "moon" } as const)[theme];
  return (
    <header class="top">
      <h1>
        <img src="./assets/icon.svg" alt="" width="24" height="24" />
        Impasto
      </h1>
      <nav>
        <button
          type="button"
          class="quiet-button"
          lang={language === "en" ? "zh" : "en"}
          onClick={() => dispatch({ type: "language", language: language === "en" ? "zh" : "en" })}
        >
          {t().languageSwitch}
        </button>
        <Tool
          icon={icon}
          label={`${t().themeSwitch}: ${named}`}
          onClick={() =>
            dispatch({
              type: "theme",
              theme: nextTheme(theme, matchMedia("(prefers-color-scheme: dark)").matches),
            })
          }
        />
        <button
          type="button"
          class="square"
          title={t().help}
          aria-label={t().help}
          onClick={() => dispatch({ type: "dialog", dialog: "help" })}
        >
          <span aria-hidden="true">?</span>
        </button>
      </nav>
    </header>
  );
}
