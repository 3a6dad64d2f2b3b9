/** Room kept to the edges of the window, in pixels. */
const margin = 8;

/**
 * Opens a `popover` element beside `anchor`: on the side that has room, never outside the window. The browser closes it
 * on Escape and on a click elsewhere.
 */
export function openPopup(popup: HTMLElement, anchor: HTMLElement, { sameWidth = false } = {}): void {
  popup.showPopover();
  const place = anchor.getBoundingClientRect();
  if (sameWidth) popup.style.setProperty('width', `${place.width}px`);
  const below = innerHeight - place.bottom - margin;
  const above = place.top - margin;
  const up = popup.offsetHeight > below && above > below;
  const room = Math.max(120, up ? above : below);
  popup.style.setProperty('max-height', `${Math.min(360, room)}px`);
  const top = up ? Math.max(margin, place.top - Math.min(popup.offsetHeight, room) - 4) : place.bottom + 4;
  const left = Math.max(margin, Math.min(place.left, innerWidth - popup.offsetWidth - margin));
  popup.style.setProperty('top', `${top}px`);
  popup.style.setProperty('left', `${left}px`);
}

/** Arrow keys, Home and End move the focus among `items`, as in a menu or a list. Answers whether the key was one of those. */
export function moveFocus(event: KeyboardEvent, items: readonly HTMLElement[]): boolean {
  const current = items.findIndex((item) => item === document.activeElement);
  const last = items.length - 1;
  const next = {
    ArrowDown: current >= last ? 0 : current + 1,
    ArrowUp: current <= 0 ? last : current - 1,
    Home: 0,
    End: last,
  }[event.key];
  if (next === undefined) return false;
  event.preventDefault();
  items[next]?.focus();
  return true;
}
