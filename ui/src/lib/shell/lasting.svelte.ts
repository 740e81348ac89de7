/** How long the app may take to answer before that is a problem and not just a start. */
const PATIENCE_MS = 5_000;
const EVERY_MS = 1_000;

/** Something that is shown only once it has lasted; meanwhile it is tried again. */
export class Lasting {
  lasted = $state(false);
  readonly #wrong: () => boolean;

  constructor(wrong: () => boolean) {
    this.#wrong = wrong;
  }

  start(again: () => void): () => void {
    let since: number | undefined;
    const timer = setInterval(() => {
      if (!this.#wrong()) {
        since = undefined;
        this.lasted = false;
        return;
      }
      since ??= performance.now();
      this.lasted = performance.now() - since >= PATIENCE_MS;
      again();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }
}
