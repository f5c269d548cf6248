/** For whoever came without the token. */
import { enterWith } from "../effects/session";
import { t } from "../text";

export function Closed({ wrong }: { wrong: boolean }) {
  return (
    <main class="closed">
      <img src="./assets/icon.svg" alt="" width="64" height="64" />
      <h1>{t().closedTitle}</h1>
      <p>{t().closedHelp}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enterWith(String(new FormData(event.currentTarget).get("token")));
        }}
      >
        <label>
          <span class="unseen">{t().closedField}</span>
          <input
            name="token"
            type="text"
            required
            placeholder={t().closedField}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <button type="submit" class="primary">
          {t().enter}
        </button>
      </form>
      {wrong && (
        <p class="wrong" role="alert">
          {t().closedWrong}
        </p>
      )}
    </main>
  );
}
