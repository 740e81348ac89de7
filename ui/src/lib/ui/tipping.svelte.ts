/** After the pointer has rested this long, so that crossing the page shows nothing. */
const REST_MS = 300;
/** One tip just seen: the next one needs no second wait. */
const AGAIN_MS = 300;
/** Time to move the pointer onto the tip itself. */
const REACH_MS = 150;

let closedAt = -Infinity;
let hideShown: (() => void) | undefined;

/** When the tip of one element is shown: at rest of the pointer or at focus by keyboard; one at a time. */
export class Tipping {
  open = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  enter = (e: PointerEvent): void => {
    if (e.pointerType === 'touch') return;
    this.#later(() => this.show(), performance.now() - closedAt < AGAIN_MS ? 0 : REST_MS);
  };

  leave = (): void => this.#later(() => this.hide(), this.open ? REACH_MS : 0);

  /** The pointer is on the tip. */
  stay = (): void => clearTimeout(this.#timer);

  focus = (e: FocusEvent): void => {
    if ((e.currentTarget as HTMLElement).matches(':focus-visible')) this.show();
  };

  show(): void {
    clearTimeout(this.#timer);
    if (hideShown !== this.hide) hideShown?.();
    hideShown = this.hide;
    this.open = true;
  }

  hide = (): void => {
    clearTimeout(this.#timer);
    if (!this.open) return;
    this.open = false;
    closedAt = performance.now();
    if (hideShown === this.hide) hideShown = undefined;
  };

  /** Escape is meant for the tip first, and for the dialog it may stand in only after that. */
  key = (e: KeyboardEvent): void => {
    if (e.key !== 'Escape' || !this.open) return;
    e.stopPropagation();
    this.hide();
  };

  #later(run: () => void, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }
}
