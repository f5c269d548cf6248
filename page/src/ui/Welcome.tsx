/** The empty stage: an invitation. */
import { addFiles } from "../effects/commands";
import { draft } from "../state/selectors";
import { dispatch } from "../state/store";
import { t } from "../text";
import { Files } from "./fields";
import { Icon } from "./Icon";

export function Welcome() {
  return draft.value.film ? <ForClips /> : <ForPhotos />;
}

function ForClips() {
  return (
    <div class="welcome">
      <span class="step-icon">
        <Icon name="film" />
      </span>
      <p>{t().clipHelp}</p>
      <Files label={t().chooseClip} class="primary" clips onFiles={(files) => void addFiles(files, "clip")}>
        {t().chooseClip}
      </Files>
      <p class="quiet">{t().private}</p>
    </div>
  );
}

function ForPhotos() {
  const steps = [
    ["photo", t().welcomeStep1, t().welcomeStep1Help],
    ["palette", t().welcomeStep2, t().welcomeStep2Help],
    ["brush", t().welcomeStep3, t().welcomeStep3Help],
  ] as const;
  return (
    <div class="welcome">
      <h2>{t().welcomeTitle}</h2>
      <ol class="steps">
        {steps.map(([icon, title, help]) => (
          <li key={icon}>
            <span class="step-icon">
              <Icon name={icon} />
            </span>
            <strong>{title}</strong>
            <span>{help}</span>
          </li>
        ))}
      </ol>
      <div class="row">
        <Files label={t().choosePhoto} class="primary" onFiles={(files) => void addFiles(files, "photo")}>
          {t().choosePhoto}
        </Files>
        <Files label={t().takePhoto} class="camera" camera onFiles={(files) => void addFiles(files, "photo")}>
          <Icon name="camera" />
          {t().takePhoto}
        </Files>
      </div>
      <button type="button" class="quiet-button" onClick={() => dispatch({ type: "texture" })}>
        {t().onlyPainting}
      </button>
      <p class="quiet">{t().private}</p>
    </div>
  );
}
