/** All about the job on the stage: how far it is, what it was made with, and what can be done with it. */
import { useEffect, useState } from "preact/hooks";
import { addresses } from "../api/client";
import type { Job, Progress } from "../api/types";
import { cancel, goOn } from "../effects/commands";
import { parsedShares } from "../state/draft";
import { askedAnew, isUnderWay, pictureOf } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { duration, learntStyle, number, percent, seconds, t } from "../text";
import { paintingsOf, stateInWords } from "../text/jobWords";
import { said } from "../text/said";
import { inWords, label, recipe, valueLabel } from "../text/settings";
import { Curve } from "./Curve";
import { DownloadFilm, DownloadMenu } from "./DownloadMenu";
import { Icon } from "./Icon";
import { askToRemove } from "./Remove";

const still = select((s) => s.still);
const live = select((s) => s.live);
const asking = select((s) => s.asking);

export function JobPanel({ job }: { job: Job }) {
  return (
    <section class="job" aria-label={stateInWords(job)}>
      <header>
        <h2>{stateInWords(job)}</h2>
        {job.seconds !== null && !isUnderWay(job) && <span class="quiet">{t().took(duration(job.seconds))}</span>}
      </header>
      {job.error !== null && <p class="wrong">{said(job.error)}</p>}
      {job.warnings.map((warning) => (
        <p key={warning} class="warning">
          {said(warning)}
        </p>
      ))}
      {job.progress !== null && (
        <Progressing
          progress={job.progress}
          running={isUnderWay(job)}
          still={isUnderWay(job) && still.value === job.id}
          film={job.request.clip !== null}
        />
      )}
      {job.progress === null && job.state === "running" && <p class="quiet">{t().gettingReady}</p>}
      <Curve job={job} />
      {isUnderWay(job) ? <CancelButton job={job} /> : <Actions job={job} />}
      <MadeWith job={job} />
    </section>
  );
}

interface ProgressingProps {
  progress: Progress;
  running: boolean;
  still: boolean;
  film: boolean;
}

function Progressing({ progress, running, still, film }: ProgressingProps) {
  const { iteration, iterations, scale, left_s, rate } = progress;
  return (
    <div class="progress">
      {running && <progress max={1} value={progress.share} aria-label={t().running} />}
      <p>
        {running && <strong>{percent(progress.share)}</strong>}
        {still ? <span>{t().stillAt}</span> : running && left_s !== null && <span>{t().left(duration(left_s))}</span>}
      </p>
      {still && !film && <p class="quiet">{t().stillAtSize}</p>}
      <p class="quiet">
        {iterations > 0 && (
          <span title={film ? undefined : t().iterations}>
            {(film ? t().frame : t().iteration)(iteration, iterations)}
          </span>
        )}
        {rate !== null && <span>{t().rate(number(rate))}</span>}
        {scale !== null && <span>{t().at(scale[0], scale[1])}</span>}
      </p>
    </div>
  );
}

function CancelButton({ job }: { job: Job }) {
  const [asked, setAsked] = useState(false);
  const waiting = job.state === "waiting";
  // A studio that has begun again knows nothing of it.
  useEffect(() => setAsked(false), [waiting, live.value]);
  return (
    <button
      type="button"
      class="large"
      disabled={asked}
      onClick={() => {
        setAsked(true);
        void cancel(job).then((done) => done === null && setAsked(false));
      }}
    >
      <Icon name="stop" />
      {asked ? t().stopping : waiting ? t().cancelWaiting : job.revision > 0 ? t().cancel : t().cancelEmpty}
    </button>
  );
}

function Actions({ job }: { job: Job }) {
  return (
    <>
      {job.film ? <DownloadFilm job={job} /> : job.revision > 0 && <DownloadMenu job={job} />}
      {job.can_go_on && <GoOn job={job} />}
      <div class="row">
        <button type="button" onClick={() => dispatch({ type: "again", request: askedAnew(job) })}>
          <Icon name="again" />
          {t().again}
        </button>
        <button type="button" onClick={() => askToRemove("job", job.id)}>
          <Icon name="trash" />
          {t().removeResult}
        </button>
      </div>
    </>
  );
}

const MORE = [25, 50, 100, 200, 400];

function GoOn({ job }: { job: Job }) {
  const planned = job.iterations_left;
  const [iterations, setIterations] = useState(planned > 0 ? planned : 50);
  return (
    <div class="go-on">
      {/* A film goes on to its end. */}
      {job.request.clip === null && (
        <label>
          <span class="quiet">{t().goOnFor}</span>
          <select value={iterations} onChange={(event) => setIterations(Number(event.currentTarget.value))}>
            {planned > 0 && <option value={planned}>{t().goOnToEnd(planned)}</option>}
            {MORE.filter((each) => each !== planned).map((each) => (
              <option key={each} value={each}>
                + {each}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="button" disabled={asking.value} onClick={() => void goOn(job, iterations)}>
        <Icon name="brush" />
        {t().goOn}
      </button>
    </div>
  );
}

function MadeWith({ job: { request, ...job } }: { job: Job }) {
  const pictures = [
    request.clip ?? request.photo,
    ...request.styles.map(({ painting }) => painting),
    ...request.regions.map(({ painting }) => painting),
  ];
  const inRegions = paintingsOf(request.regions);
  // What size it came to says more than what was asked for.
  const settings = Object.entries(request.settings).filter(([name]) => name !== "size" || job.size === null);
  return (
    <section class="made-with" aria-label={t().madeWith}>
      <h3>{t().madeWith}</h3>
      <div class="inputs">
        {[...new Set(pictures)]
          .map(pictureOf)
          .map(
            (picture) =>
              picture && (
                <img
                  key={picture.id}
                  src={addresses.picture(picture.id, 128)}
                  alt={picture.name}
                  title={picture.name}
                />
              ),
          )}
      </div>
      <dl>
        {request.style_index !== "" && <Entry name={t().learnt} value={learntOf(request.style_index)} />}
        {inRegions !== "" && <Entry name={t().regions} value={inRegions} />}
        {(request.start || request.end) && <Entry name={t().part} value={partOf(request)} />}
        {request.clip === null && <Entry name={t().recipe} value={recipe(request.recipe)[0]} />}
        {settings.map(([name, value]) => (
          <Entry
            key={name}
            name={label(name)}
            value={typeof value === "number" ? number(value) : valueLabel(name, inWords(name, value))}
          />
        ))}
        {job.size !== null && <Entry name={t().size} value={job.size.join(" × ")} />}
      </dl>
      {settings.length === 0 && request.clip === null && <p class="quiet">{t().allOfRecipe}</p>}
      {job.from !== null && <p class="quiet">{t().wentOn}</p>}
    </section>
  );
}

/** `rhone:0.5,cottages:0.5`: rhone 50 %, cottages 50 %. */
function learntOf(words: string): string {
  const shares = parsedShares(words);
  const all = shares.reduce((sum, { weight }) => sum + weight, 0);
  return shares
    .map(({ id, weight }) => (shares.length === 1 ? learntStyle(id) : `${learntStyle(id)} ${percent(weight / all)}`))
    .join(", ");
}

function partOf({ start, end }: Job["request"]): string {
  return `${seconds(start ?? 0)} – ${end == null ? t().clipEnds : seconds(end)}`;
}

function Entry({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
