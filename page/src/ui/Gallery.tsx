/** Beside the stage: photos, the user's paintings, and the styles that networks have learnt. */
import { useState } from "preact/hooks";
import { addresses } from "../api/client";
import type { Network, Picture } from "../api/types";
import { addFiles, choosePainting } from "../effects/commands";
import { choices, clips, draft, editing, paintings, photo, photos, pictureOf, regions } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { learntStyle, percent, t, title } from "../text";
import { Files, Segments, Slider } from "./fields";
import { Icon } from "./Icon";
import { askToRemove } from "./Remove";
import { Rove } from "./Rove";
import { Tile } from "./Tile";

const SIDE = 192;
const films = select((s) => s.access.kind === "open" && s.access.session.films);

export function Gallery() {
  const [mixing, setMixing] = useState(draft.value.look.mix.length > 1);
  return (
    <aside class="gallery panel" aria-label={t().style}>
      {editing.value === null && (films.value || draft.value.film) && <Kinds />}
      {editing.value === null && (draft.value.film ? <Clips /> : <Photos />)}
      <section aria-labelledby="paintings">
        <header>
          <h2 id="paintings">{editing.value === null ? t().paintings : t().forRegion}</h2>
          {editing.value === null && (
            <label class="toggle">
              <input type="checkbox" checked={mixing} onChange={(event) => setMixing(event.currentTarget.checked)} />
              {t().mix}
            </label>
          )}
        </header>
        <Paintings mixing={mixing} />
        <Shares />
      </section>
      {editing.value === null &&
        !draft.value.texture &&
        choices.value?.networks
          .filter((network) => network.styles.length > 0)
          .map((network, index) => <Learnt key={network.name} network={network} mixing={mixing} first={index === 0} />)}
    </aside>
  );
}

/** Whether a picture or a film is painted. */
function Kinds() {
  const { film, photo, clip } = draft.value;
  return (
    <Segments
      name="kind"
      label={t().paintA}
      value={film ? "film" : "picture"}
      options={(["picture", "film"] as const).map((value) => ({ value, label: t()[value] }))}
      onChange={(kind) => dispatch(kind === "film" ? { type: "clip", id: clip } : { type: "photo", id: photo })}
    />
  );
}

/** Photographs or clips that were sent, of which one is painted. */
function Sent({ kept, onChoose }: { kept: readonly Picture[]; onChoose: (id: string) => void }) {
  return (
    <>
      {kept.map((each, index) => (
        <Tile
          key={each.id}
          source={addresses.picture(each.id, SIDE)}
          name={title(each.name)}
          chosen={each.id === photo.value?.id}
          first={photo.value === null && index === 0}
          onChoose={() => onChoose(each.id)}
          onRemove={() => askToRemove("picture", each.id)}
        />
      ))}
    </>
  );
}

function Clips() {
  return (
    <section aria-labelledby="clips">
      <header>
        <h2 id="clips">{t().clip}</h2>
      </header>
      <Rove class="strip" label={t().clips}>
        <Files label={t().addClip} class="tile-add" clips onFiles={(files) => void addFiles(files, "clip")}>
          <Icon name="film" />
          <span>{t().addClip}</span>
        </Files>
        <Sent kept={clips.value} onChoose={(id) => dispatch({ type: "clip", id })} />
      </Rove>
    </section>
  );
}

function Photos() {
  return (
    <section aria-labelledby="photos">
      <header>
        <h2 id="photos">{t().photo}</h2>
      </header>
      <Rove class="strip" label={t().photos}>
        <Files label={t().addPhoto} class="tile-add" several onFiles={(files) => void addFiles(files, "photo")}>
          <Icon name="add" />
          <span>{t().addPhoto}</span>
        </Files>
        <Files label={t().takePhoto} class="tile-add camera" camera onFiles={(files) => void addFiles(files, "photo")}>
          <Icon name="camera" />
          <span>{t().takePhoto}</span>
        </Files>
        <button
          type="button"
          class={draft.value.texture ? "tile-add chosen" : "tile-add"}
          title={t().textureInstead}
          aria-label={t().textureInstead}
          aria-pressed={draft.value.texture}
          onClick={() => dispatch(draft.value.texture ? { type: "photo", id: draft.value.photo } : { type: "texture" })}
        >
          <Icon name="texture" />
          <span>{t().texture}</span>
        </button>
        <Sent kept={photos.value} onChoose={(id) => dispatch({ type: "photo", id })} />
      </Rove>
    </section>
  );
}

function Paintings({ mixing }: { mixing: boolean }) {
  const chosen = chosenPaintings();
  return (
    <>
      <Rove class="tiles" label={t().paintings}>
        <Files label={t().addPainting} class="tile-add" several onFiles={(files) => void addFiles(files, "painting")}>
          <Icon name="add" />
          <span>{t().addPainting}</span>
        </Files>
        {paintings.value.map((each, index) => (
          <Tile
            key={each.id}
            source={sourceOf(each)}
            painted={photo.value !== null}
            inset={photo.value && addresses.picture(each.id, 96)}
            name={title(each.name)}
            chosen={chosen.includes(each.id)}
            first={chosen.length === 0 && index === 0}
            onChoose={() => choosePainting(each.id, mixing)}
            // Beside a region's choice, a cross would read as taking back the choice.
            {...(editing.value === null && { onRemove: () => askToRemove("picture", each.id) })}
          />
        ))}
      </Rove>
      {paintings.value.length === 0 && <p class="quiet">{t().addPaintingHelp}</p>}
    </>
  );
}

function chosenPaintings(): readonly (string | null)[] {
  if (editing.value !== null)
    return regions.value.filter(({ key }) => key === editing.value).map((each) => each.painting);
  return draft.value.look.network === null ? draft.value.look.mix.map(({ id }) => id) : [];
}

/** The user's photo in that painting's hand; without a photo, the painting. */
function sourceOf(painting: Picture): string {
  return photo.value === null
    ? addresses.picture(painting.id, SIDE)
    : addresses.painted(painting.id, photo.value.id, SIDE);
}

interface LearntProps {
  network: Network;
  mixing: boolean;
  first: boolean;
}

function Learnt({ network, mixing, first }: LearntProps) {
  const { look } = draft.value;
  const chosen = look.network === network.name ? look.mix.map(({ id }) => id) : [];
  const tiles = (
    <>
      <Rove class="tiles" label={network.name}>
        {network.styles.map((style, index) => (
          <Tile
            key={style}
            source={photo.value && addresses.learnt(network.name, index, photo.value.id, SIDE)}
            painted
            name={learntStyle(style)}
            chosen={chosen.includes(style)}
            first={chosen.length === 0 && index === 0}
            onChoose={() => dispatch({ type: "look", id: style, network: network.name, mixing })}
          />
        ))}
      </Rove>
      {chosen.length > 0 && <Shares learnt />}
    </>
  );
  // Those that serve unless one asks for others are in sight.
  if (!first) {
    return (
      <details class="more">
        <summary>{t().learntMore}</summary>
        <p class="quiet">{t().learntBy(network.name)}</p>
        {tiles}
      </details>
    );
  }
  return (
    <section aria-labelledby="learnt">
      <header>
        <h2 id="learnt">{t().learnt}</h2>
      </header>
      <p class="quiet">{t().learntHelp}</p>
      {tiles}
    </section>
  );
}

/** How much of each, where several are mixed. */
function Shares({ learnt = false }: { learnt?: boolean }) {
  const { look } = draft.value;
  if (look.mix.length < 2 || (look.network !== null) !== learnt || editing.value !== null) return null;
  const all = look.mix.reduce((sum, { weight }) => sum + weight, 0);
  return (
    <div class="shares">
      {look.mix.map(({ id, weight }) => (
        <Slider
          key={id}
          label={learnt ? learntStyle(id) : title(pictureOf(id)?.name ?? id)}
          value={weight}
          least={0.05}
          most={1}
          step={0.05}
          shown={percent(weight / all)}
          onInput={(value) => dispatch({ type: "weight", id, weight: value })}
        />
      ))}
    </div>
  );
}
