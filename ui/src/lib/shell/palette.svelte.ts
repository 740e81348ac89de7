/** What the command palette can find. Areas add theirs here; the palette itself is loaded when it is first opened. */
export type PaletteGroup = 'places' | 'actions' | 'decisions' | 'appointments' | 'settings';

export type PaletteCommand = {
  id: string;
  group: PaletteGroup;
  /** As shown, in the window's language. */
  label: string;
  /** Other words it is found by. */
  words?: string;
  /** On the right: a time, a key. */
  hint?: string;
  run: () => void;
};

/** Asked when the palette opens, so that labels follow the language and lists are fresh. */
export type PaletteSource = () => PaletteCommand[] | Promise<PaletteCommand[]>;

class Palette {
  open = $state(false);
  readonly #sources = new Set<PaletteSource>();

  /** Adds commands; call what comes back to take them out again. */
  add(source: PaletteSource): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  /** Everything there is now, told as it comes. A source that fails leaves its part out and nothing else. */
  async commands(told: (some: PaletteCommand[]) => void): Promise<void> {
    const lists: PaletteCommand[][] = [...this.#sources].map(() => []);
    await Promise.all(
      [...this.#sources].map(async (source, i) => {
        lists[i] = await Promise.resolve(source()).catch(() => []);
        told(lists.flat());
      }),
    );
  }
}

export const palette = new Palette();
