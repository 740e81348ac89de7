import { toast } from 'svelte-sonner';
import { m } from '$lib/paraglide/messages';
import { act } from '$lib/ui/act';

export type UndoOffer = {
  /** What was done, as the toast says it. */
  text: string;
  /** A second line, such as what undoing would mean. */
  more?: string;
  /** Takes it back, by a new edit where the other side knows already. */
  undo: () => Promise<unknown>;
  /** What is said once it was taken back; asked for only then. Nothing, if `undo` has said it itself. */
  undone?: string | (() => string | undefined);
  /** How long it is offered: ten seconds at the least, or nobody could reach it in time. */
  ms?: number;
};

const LEAST_MS = 10_000;
let last = 0;

class Undo {
  #offers = $state.raw<{ id: string; offer: UndoOffer }[]>([]);

  /** Something can be taken back now. */
  get possible(): boolean {
    return this.#offers.length > 0;
  }

  offer(offer: UndoOffer): void {
    const id = `undo-${(last += 1)}`;
    const forget = () => this.#forget(id);
    this.#offers = [...this.#offers, { id, offer }];
    toast.success(offer.text, {
      id,
      description: offer.more,
      duration: Math.max(LEAST_MS, offer.ms ?? LEAST_MS),
      action: { label: m.toast_undo(), onClick: () => void this.#take(id) },
      onDismiss: forget,
      onAutoClose: forget,
    });
  }

  /** Takes back what was done last; answers whether there was anything. */
  newest(): boolean {
    const found = this.#offers.at(-1);
    if (!found) return false;
    void this.#take(found.id);
    return true;
  }

  clear(): void {
    this.#offers = [];
  }

  async #take(id: string): Promise<void> {
    const found = this.#offers.find((o) => o.id === id);
    if (!found) return;
    // At once, so that pressing twice does not undo twice.
    this.#forget(id);
    toast.dismiss(id);
    if (!(await act(found.offer.undo))) return;
    const { undone = m.sh_undone() } = found.offer;
    const said = typeof undone === 'string' ? undone : undone();
    if (said) toast.success(said);
  }

  #forget(id: string): void {
    this.#offers = this.#offers.filter((o) => o.id !== id);
  }
}

export const undo = new Undo();

/** A toast with "Undo", also reachable by Ctrl/Cmd+Z while it is offered. */
export const offerUndo = (offer: UndoOffer): void => undo.offer(offer);
