"""What goes over the wire, declared once: the API checks by it, and documents and the page's types follow."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16}$")]
"""Random, so that nobody guesses it, and never a name."""
Network = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,32}$")]
Index = Annotated[str, StringConstraints(max_length=200)]
Kind = Literal["photo", "painting", "mask"]
Held = Literal["photo", "painting", "mask", "clip"]
"""A clip is a picture, its first frame, of which there is more."""
State = Literal["waiting", "running", "done", "cancelled", "failed"]
Download = Literal["png", "jpeg", "webp", "tiff"]
Page = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
"""Any name for what asks, of which only the newest request counts."""
Weight = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Moment = Annotated[float, Field(le=1e6, allow_inf_nan=False)]
"""Seconds."""

Edge = Literal["start", "end"]
"""Of a film."""

MOST_STYLES = 16
"""Paintings, and regions, that a job may have."""


def now() -> datetime:
    """This moment, to the millisecond."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class _Given(BaseModel):
    """What clients send: what is not known of it is a mistake, and is told as one."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong, in a sentence, and the setting that it is about."""

    error: str
    setting: str | None = None


class Token(_Given):
    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Session(BaseModel):
    """Who is asking, and what the server allows."""

    visitor: str
    version: str
    max_upload: int = Field(description="Bytes of an upload.")
    max_size: int = Field(description="Long side of a result, in pixels.")
    max_clip: int = Field(description="Bytes of a clip.")
    films: bool = Field(description="Whether what reads and writes moving pictures is installed.")
    queue: int = Field(description="Jobs that may wait.")
    users: bool = Field(description="Whether every visitor has pictures of their own.")


class Styled(_Given):
    """A painting with its weight among several."""

    painting: Id
    weight: Weight = 1.0


class RegionRequest(_Given):
    """What is white in the mask, or the faces or people of the photograph, follow the painting."""

    mask: Id | Literal["faces", "people"]
    painting: Id


class JobRequest(_Given):
    """What can be asked for: the pictures by their ids, and settings that replace the recipe's."""

    task: Literal["stylize", "texture", "video"] = "stylize"
    photo: Id | None = None
    clip: Annotated[Id | None, Field(description="In place of a photo, of a video.")] = None
    styles: Annotated[list[Styled], Field(max_length=MOST_STYLES)] = []
    style_index: Index = ""
    regions: Annotated[list[RegionRequest], Field(max_length=MOST_STYLES)] = []
    recipe: Annotated[str, StringConstraints(max_length=64)] = "default"
    settings: Annotated[dict[str, Any], Field(max_length=64)] = {}
    start: Annotated[Moment, Field(ge=0, description="Of a video: the time of its clip that it begins at.")] = 0.0
    end: Annotated[Moment | None, Field(gt=0, description="Likewise, that it ends at; the clip's own without.")] = None


class EstimateRequest(JobRequest):
    """A film, of a page that is open: a newer one of the same page takes its place."""

    page: Page = "script"


class Restored(BaseModel):
    """The job that a result was made by, as far as its pictures are still here."""

    job: JobRequest
    missing: list[str] = Field(description="The names of those that are not.")


class Moving(BaseModel):
    """What a clip has beside its first frame."""

    frames: int
    begins: float = Field(default=0.0, description="The time of its first frame, in seconds.")
    seconds: float
    rate: float = Field(description="Frames a second.")
    ending: Literal[".mp4", ".webm"] = Field(description="Of the films that are painted of it.")


class Picture(BaseModel):
    id: Id
    kind: Held
    name: str
    width: int
    height: int
    sha256: str = Field(description="Of the file as it was sent.")
    created: datetime
    transparent: bool
    restored: Restored | None = None
    moving: Moving | None = Field(default=None, description="Of a clip.")


class Going(BaseModel):
    """How far a running job is; the iterations of a film are its frames."""

    share: float
    text: str
    iteration: int
    iterations: int
    losses: dict[str, float]
    scale: tuple[int, int] | None
    left_s: float | None
    rate: float | None = Field(default=None, description="Frames a second.")


class Snapshot(BaseModel):
    iteration: int
    revision: int


class Job(BaseModel):
    id: Id
    request: JobRequest
    state: State
    position: int | None = Field(default=None, description="Among the waiting ones.")
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    progress: Going | None = None
    revision: int = Field(default=0, description="Rises with every new picture; 0 means that there is none yet.")
    size: tuple[int, int] | None = Field(default=None, description="Width and height of the result.")
    snapshots: list[Snapshot] = []
    curve: list[tuple[int, float]] = Field(default=[], description="Some iterations, and the loss at each.")
    seconds: float = Field(default=0.0, description="Spent on it so far.")
    error: str | None = None
    origin: Id | None = Field(default=None, serialization_alias="from", validation_alias="from")
    warnings: list[str] = []
    can_go_on: bool = Field(default=False, description="From its picture, or from the parts of its film.")
    iterations_left: int = Field(default=0, description="Of what a picture was to have, where it was stopped before.")
    film: bool = Field(default=False, description="Whether there is a film to play: all of it, or what was painted.")

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


class Estimate(BaseModel):
    """What a film will be, and roughly what it costs."""

    frames: int
    seconds: float = Field(description="How long it is.")
    width: int
    height: int
    painting_s: float = Field(description="Seconds until it is painted.")
    bytes: int = Field(description="Of its file.")


class GoOn(_Given):
    iterations: Annotated[int, Field(ge=1, le=10**7, description="Of a picture; a film goes on to its end.")] = 60


class Move(_Given):
    position: Annotated[int, Field(ge=0, le=10_000)]


class PreviewRequest(_Given):
    """A picture by the fast method, of a page that is open: a newer one of the same page takes its place."""

    photo: Annotated[Id, Field(description="Or a clip.")]
    frame: Annotated[int, Field(ge=0, le=2, description="Of a clip: its first, middle, or last one.")] = 0
    styles: Annotated[list[Styled], Field(max_length=MOST_STYLES)] = []
    style_index: Index = ""
    network: Network | None = None
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    stroke_size: Annotated[int, Field(ge=16, le=4096)] | None = None
    keep_colour: Literal["none", "luminance", "linear", "histogram"] = "none"
    size: Annotated[int, Field(ge=16, le=1024)] = 512
    page: Page


class Recipe(BaseModel):
    name: str
    values: dict[str, Any] = Field(description="What its settings are.")


class LearntNetwork(BaseModel):
    name: str
    styles: list[str] = Field(description="The names of the styles that it has learnt.")
    any: bool = Field(description="Whether it takes paintings.")


class Setting(BaseModel):
    """A setting as it is declared."""

    name: str
    help: str
    group: Literal["Look", "Run"]
    type: Literal["number", "integer", "choice", "text", "bool"]
    default: Any
    least: float | None
    most: float | None
    choices: list[str] | None
    of: list[str] = Field(description="The methods and tasks that heed it.")
    needs: list[list[str]] = Field(description="What else must hold: one of each list.")


class Choices(BaseModel):
    """All that can be chosen."""

    tasks: list[str]
    methods: list[str]
    recipes: list[Recipe]
    networks: list[LearntNetwork]
    settings: list[Setting]


class PictureDeleted(BaseModel):
    picture: Id


class JobDeleted(BaseModel):
    job: Id


class Hello(BaseModel):
    version: str
