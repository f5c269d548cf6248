/** A picture to choose, in a gallery or a strip. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../text";
import { Icon } from "./Icon";

interface TileProps {
  /** Null where there is no picture of it yet. */
  source: string | null;
  /** A smaller picture in its corner: the painting itself. */
  inset?: string | null;
  name: string;
  /** What a screen reader says of it, where the name alone would not do. */
  label?: string;
  chosen: boolean;
  /** Whether the Tab key comes here when nothing is chosen. */
  first: boolean;
  onChoose: () => void;
  onRemove?: () => void;
  children?: ComponentChildren;
}

export function Tile({
  source,
  inset = null,
  name,
  label = name,
  chosen,
  first,
  onChoose,
  onRemove,
  children,
}: TileProps) {
  return (
    <div class={`tile ${chosen ? "chosen" : ""} ${source === null && !children ? "bare" : ""}`}>
      <button
        type="button"
        data-item
        aria-pressed={chosen}
        tabIndex={chosen || first ? 0 : -1}
        title={label}
        aria-label={label}
        onClick={onChoose}
        onKeyDown={(event) => event.key === "Delete" && onRemove?.()}
      >
        {(source !== null || children) && (
          <span class="tile-picture">
            {source !== null && <Thumb key={source} source={source} />}
            {inset !== null && <img class="tile-inset" src={inset} alt="" loading="lazy" />}
            {children}
          </span>
        )}
        <span class="tile-name">{name}</span>
      </button>
      {onRemove && (
        <button type="button" class="tile-remove" tabIndex={-1} aria-label={t().removePicture(name)} onClick={onRemove}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

function Thumb({ source }: { source: string }) {
  const [there, setThere] = useState(false);
  return <img class={there ? "there" : ""} src={source} alt="" loading="lazy" onLoad={() => setThere(true)} />;
}
