/** One stop of the Tab key for a whole list; arrows go from item to item. */
export function rove(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const items = itemsOf(list);
  const at = items.indexOf(document.activeElement as HTMLElement);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = target(event.key, items, at);
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  for (const item of items) item.tabIndex = item === to ? 0 : -1;
  to.focus();
}

/** Where no item is the stop of the Tab key, the first one is. */
export function keepStop(list: HTMLElement): void {
  const items = itemsOf(list);
  if (items[0] !== undefined && items.every((item) => item.tabIndex !== 0)) items[0].tabIndex = 0;
}

function itemsOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("[data-item]")];
}

function target(key: string, items: readonly HTMLElement[], at: number): HTMLElement | undefined {
  const [item, last] = [items[at] as HTMLElement, items.length - 1];
  switch (key) {
    case "ArrowRight":
      return items[Math.min(last, at + 1)];
    case "ArrowLeft":
      return items[Math.max(0, at - 1)];
    case "Home":
      return items[0];
    case "End":
      return items[last];
    case "ArrowDown":
      return below(item, items.slice(at + 1));
    case "ArrowUp":
      return below(item, items.slice(0, at).reverse());
    default:
      return undefined;
  }
}

/** The nearest in the next row. */
function below(from: HTMLElement, candidates: readonly HTMLElement[]): HTMLElement | undefined {
  const box = from.getBoundingClientRect();
  const rest = candidates.map((item) => ({ item, box: item.getBoundingClientRect() }));
  const row = rest.find((each) => each.box.top !== box.top)?.box.top;
  const inRow = rest.filter((each) => each.box.top === row);
  const distance = (left: number) => Math.abs(left - box.left);
  return inRow.sort((a, b) => distance(a.box.left) - distance(b.box.left))[0]?.item;
}
