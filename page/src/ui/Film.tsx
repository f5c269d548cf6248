/** Films on the stage: three frames of the clip before one is painted, and the film to be played afterwards. */
import { addresses } from "../api/client";
import type { Job, Picture } from "../api/types";
import { FRAMES } from "../state/preview";
import { subjectOf } from "../state/selectors";
import { select } from "../state/store";
import { t, title } from "../text";
import { useSplit } from "./Divider";
import { Steady } from "./Pictures";

const preview = select((s) => s.preview);

/** The first, middle and last frame, each with its preview over it. */
export function Frames({ clip }: { clip: Picture }) {
  const split = useSplit();
  const { layers } = preview.value;
  return (
    <div class="frames-room" style={{ "--shape": clip.width / clip.height }}>
      <ul class={clip.width < clip.height ? "frames tall" : "frames"} aria-label={t().clip}>
        {FRAMES.map((frame) => {
          const name = t().frameOf(t().framePlaces[frame] ?? "", title(clip.name));
          const painted = layers[frame];
          return (
            <li key={frame}>
              <div class="frame" style={{ aspectRatio: "var(--shape)" }}>
                <img src={addresses.frame(clip.id, frame)} alt={name} />
                {painted !== undefined && (
                  <div class="after" style={split.after}>
                    <Steady source={painted} alt={`${t().preview}: ${name}`} />
                  </div>
                )}
              </div>
              <span>{t().framePlaces[frame]}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

export function Player({ job }: { job: Job }) {
  const clip = subjectOf(job);
  return (
    <div class="player">
      {/* biome-ignore lint/a11y/useMediaCaption: A painted film has the subtitles of its clip, if it has any. */}
      <video
        key={`${job.id}-${job.revision}`}
        src={addresses.film(job.id, job.revision)}
        poster={addresses.result(job.id, job.revision)}
        aria-label={t().playFilm(clip === null ? t().clip : title(clip.name))}
        controls
        playsInline
        preload="metadata"
      />
      {job.state !== "done" && (
        <p class="quiet">
          {t().filmCut} {job.can_go_on && t().filmRest}
        </p>
      )}
    </div>
  );
}
