/** The middle of the page: the photo and its preview, a result, or two side by side. */
import { addresses } from "../api/client";
import type { Job, Picture } from "../api/types";
import { draft, editing, jobOf, photo, pictureOf, regions, stage, subjectOf } from "../state/selectors";
import { select } from "../state/store";
import { t } from "../text";
import { briefly } from "../text/jobWords";
import { BrushBar, BrushCursor, useBrush } from "./Brush";
import { Divider, useSplit } from "./Divider";
import { Frames, Player } from "./Film";
import { FilmStrip } from "./FilmStrip";
import { Composite, Steady, Tints } from "./Pictures";
import { StageBar } from "./StageBar";
import { StageHead } from "./StageHead";
import { Viewport } from "./Viewport";
import { Welcome } from "./Welcome";

const preview = select((s) => s.preview);

export function Stage() {
  return (
    <main class="stage" aria-label={t().stage} id="stage">
      <StageHead />
      <div class="stage-pictures">
        <OnStage />
      </div>
      {editing.value !== null && <BrushBar />}
      <StageBar />
      <FilmStrip />
    </main>
  );
}

function OnStage() {
  const on = stage.value;
  if (on.show === "draft") {
    if (draft.value.texture) return <TextureStage />;
    if (photo.value === null) return <Welcome />;
    return draft.value.film ? <Frames clip={photo.value} /> : <DraftStage photo={photo.value} />;
  }
  const job = jobOf(on.job);
  if (job === null) return null;
  if (on.show === "job") return <JobStage job={job} snapshot={on.snapshot} />;
  const other = jobOf(on.other);
  return (
    <>
      <Half job={job} first />
      {other === null ? <p class="stage-hint">{t().chooseOther}</p> : <Half job={other} />}
    </>
  );
}

/** One of two results side by side, and which it is. */
function Half({ job, first = false }: { job: Job; first?: boolean }) {
  return (
    <figure class="half">
      <JobStage job={job} snapshot={null} />
      <figcaption>
        <strong>{briefly(job)}</strong>
        {first && <span class="quiet">{t().actsOn}</span>}
      </figcaption>
    </figure>
  );
}

function DraftStage({ photo }: { photo: Picture }) {
  const split = useSplit();
  const hand = useBrush();
  const original = addresses.picture(photo.id, 2048);
  const { layers } = preview.value;
  const previewed = editing.value === null && Object.keys(layers).length > 0;
  const [whole] = Object.keys(layers).length === 1 ? [layers[""]] : [];
  return (
    <Viewport
      label={t().pictureOf(photo.name)}
      width={photo.width}
      height={photo.height}
      hand={hand}
      over={(sheet) =>
        editing.value !== null
          ? hand !== null && <BrushCursor sheet={sheet} />
          : previewed && <Divider sheet={sheet} after={t().preview} />
      }
    >
      <img src={original} alt={t().original} draggable={false} />
      {previewed && (
        <div class="after" style={split.after}>
          {whole !== undefined ? (
            <Steady source={whole} alt={t().preview} />
          ) : (
            <Composite layers={layers} photo={original} regions={regions.value} label={t().preview} />
          )}
        </div>
      )}
      {editing.value !== null && <Tints regions={regions.value} editing={editing.value} />}
    </Viewport>
  );
}

/** There is no preview of a texture: its painting is shown. */
function TextureStage() {
  const { look } = draft.value;
  const painting = look.network === null ? pictureOf(look.mix[0]?.id ?? null) : null;
  if (painting === null) return <p class="stage-hint">{t().needPainting}</p>;
  return (
    <Viewport label={t().pictureOf(painting.name)} width={painting.width} height={painting.height}>
      <img src={addresses.picture(painting.id, 2048)} alt={painting.name} draggable={false} />
    </Viewport>
  );
}

function JobStage({ job, snapshot }: { job: Job; snapshot: number | null }) {
  const split = useSplit();
  if (job.film && snapshot === null) return <Player job={job} />;
  const subject = subjectOf(job);
  const [width, height] = job.size ?? [subject?.width ?? draftWidth(), subject?.height ?? draftWidth()];
  // Until it has a picture of its own, what it goes on from.
  const { id, revision } = job.revision > 0 ? job : (jobOf(job.from) ?? job);
  // Of a film, what is seen is another frame than the clip's picture.
  const before = job.request.clip === null || revision === 0 ? subject : null;
  const source = snapshot === null ? addresses.result(id, revision) : addresses.snapshot(job.id, snapshot);
  return (
    <Viewport
      label={t().pictureOf(t().result)}
      width={width}
      height={height}
      over={(sheet) => before !== null && revision > 0 && <Divider sheet={sheet} after={t().result} />}
    >
      {before !== null && (
        <img class="before" src={addresses.picture(before.id, 2048)} alt={t().original} draggable={false} />
      )}
      {revision > 0 && (
        <div class="after" style={before === null ? undefined : split.after}>
          <Steady source={source} alt={t().result} />
        </div>
      )}
    </Viewport>
  );
}

/** A texture has no photo, and is square until its first picture is there. */
const draftWidth = () => Number(draft.value.settings.size) || 512;
