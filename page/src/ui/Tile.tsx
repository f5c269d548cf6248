/** A picture to choose, in a gallery or a strip. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wishFor } from "../effects/thumbs";
import { select } from "../state/store";
import { t } from "../text";
import { Icon } from "./Icon";

const tab = select((s) => s.tab);

interface TileProps {
  /** Null where there is no picture of it yet. */
  source: string | null;
  /** Whether the server has to paint it first. */
  painted?: boolean;
  /** A smaller picture in its corner: the painting itself. */
  inset?: string | null;
  name: string;
  /** What a screen reader says of it, where the name alone would not do. */
  label?: string;
  chosen: boolean;
  /** Whether the Tab key comes here when nothing is chosen. */
  first: boolean;
  disabled?: boolean;
  onChoose: () => void;
  onRemove?: () => void;
  children?: ComponentChildren;
}

export function Tile({
  source,
  painted = false,
  inset = null,
  name,
  label = name,
  chosen,
  first,
  disabled = false,
  onChoose,
  onRemove,
  children,
}: TileProps) {
  const tile = useRef<HTMLDivElement>(null);
  // Whatever was chosen, by whatever way, is in sight; on a narrow screen when its part comes.
  const part = tab.value;
  useEffect(() => {
    if (chosen) tile.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen, part]);
  return (
    <div ref={tile} class={`tile ${chosen ? "chosen" : ""} ${source === null && !children ? "bare" : ""}`}>
      <button
        type="button"
        data-item
        aria-pressed={chosen}
        tabIndex={chosen || first ? 0 : -1}
        title={label}
        aria-label={label}
        aria-disabled={disabled}
        onClick={() => disabled || onChoose()}
        onKeyDown={(event) => event.key === "Delete" && onRemove?.()}
      >
        {(source !== null || children) && (
          <span class="tile-picture">
            {source !== null && <Thumb key={source} source={source} painted={painted} />}
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

/** Seen when it is there. What is painted for it is asked for when the tile comes into sight. */
function Thumb({ source, painted }: { source: string; painted: boolean }) {
  const image = useRef<HTMLImageElement>(null);
  const [from, setFrom] = useState(painted ? undefined : source);
  const [there, setThere] = useState(false);
  useEffect(() => {
    if (!painted || image.current === null) return;
    let forget = () => {};
    const watcher = new IntersectionObserver((entries) => {
      forget();
      if (entries.at(-1)?.isIntersecting) forget = wishFor(source, setFrom);
    });
    watcher.observe(image.current);
    return () => {
      watcher.disconnect();
      forget();
    };
  }, [source, painted]);
  return (
    <img ref={image} class={there ? "there" : ""} src={from} alt="" loading="lazy" onLoad={() => setThere(true)} />
  );
}
