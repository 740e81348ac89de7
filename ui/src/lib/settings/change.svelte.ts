import type { Preview, SettingsPatch, SettingsView, Toggle } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { overview } from '$lib/overview/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { sayProblem } from '$lib/ui/act';
import { changeSettings, previewSettings } from './api';
import type { Section } from './sections';
import { settings } from './state.svelte';

export type Patch = Partial<SettingsPatch>;

/** What is chosen but not applied: it waits for a look at what it would do. */
export type Draft = { patch: Patch; group: string; section: Section };

const changes = (p: Preview): number => p.added + p.changed + p.removed + p.moved_back;

const toggled = (list: Toggle[], off: string[] | null | undefined): Toggle[] =>
  off ? list.map((t) => ({ ...t, on: !off.includes(t.id) })) : list;

const NOT_OF_A_VIEW = new Set(['types_off', 'clients_off', 'confirmed_removals', 'even_so']);

/** Settings as they would be: what a patch does not name stays. */
export function withPatch(view: SettingsView, patch: Patch): SettingsView {
  const named = Object.fromEntries(
    Object.entries(patch).filter(([key, v]) => v !== null && v !== undefined && !NOT_OF_A_VIEW.has(key)),
  );
  const after = {
    ...view,
    ...named,
    types: toggled(view.types, patch.types_off),
    clients: toggled(view.clients, patch.clients_off),
  };
  // An empty word stands for "none" in a patch, because none there means "stays".
  return { ...after, color: after.color || null, fallback_title: after.fallback_title || null };
}

/** Changes apply at once; one that touches events is looked at first, and only then applied. */
class Change {
  /** The group that was saved last, for its quiet "Saved". */
  saved = $state<string | undefined>();
  draft = $state.raw<Draft | undefined>();
  /** What the draft would do; none while it is being looked at. */
  preview = $state.raw<Preview | undefined>();
  looking = $state(false);
  applying = $state(false);
  /** Another calendar is being taken: both sides are looked at first, which may last. */
  moving = $state(false);
  /** So many moves would stay behind with the calendar in use. */
  movesBehind = $state(0);
  evenSo = $state(false);
  /** What is wrong with a field, beside it, by the field's name. */
  errors = $state.raw<Record<string, CommandError>>({});
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  #shown = false;
  /** So many are being applied; a choice can be made while another one is. */
  #under = 0;

  /** True if it was saved. `asked` is shown with its question if moves would stay behind and nothing else is shown. */
  async apply(group: string, patch: Patch, asked?: Draft): Promise<boolean> {
    let done = false;
    try {
      settings.set(await changeSettings(patch));
      this.#clearErrors(patch);
      this.saved = group;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => (this.saved = undefined), 4_000);
      done = true;
    } catch (e) {
      this.#wrong(asCommandError(e), patch, asked);
    }
    // Before there are two accounts only the app itself knows these.
    if (patch.theme || patch.language) void info.refresh();
    return done;
  }

  /** For what changes events. Before the start there is nothing to lose, so it applies at once. */
  propose(section: Section, group: string, patch: Patch): void {
    if (!overview.value?.started) return void this.#applyAtOnce(section, group, patch);
    this.#clearErrors(patch);
    this.draft = { section, group, patch: { ...this.draft?.patch, ...patch } };
    clearTimeout(this.#wait);
    this.looking = true;
    this.#wait = setTimeout(() => void this.#look(), 180);
  }

  async #applyAtOnce(section: Section, group: string, patch: Patch): Promise<void> {
    // Another choice of calendar takes the place of the one that is asked about.
    if (patch.calendar_id) this.#drop();
    await this.#during(patch, () => this.apply(group, patch, { section, group, patch }));
  }

  async #look(): Promise<void> {
    const draft = this.draft;
    if (!draft) return;
    const turn = ++this.#turn;
    try {
      const preview = await previewSettings(draft.patch);
      if (turn !== this.#turn) return;
      if (changes(preview) === 0 && !this.#shown) {
        this.looking = false;
        await this.#finish(draft, draft.patch);
        // It was refused for what it would cost, so it is shown all the same.
        if (this.draft === draft) [this.preview, this.#shown] = [preview, true];
        return;
      }
      this.preview = preview;
      this.#shown = true;
    } catch (e) {
      if (turn !== this.#turn) return;
      this.#wrong(asCommandError(e), draft.patch);
      this.#drop();
    }
    this.looking = false;
  }

  async confirm(): Promise<void> {
    const draft = this.draft;
    if (!draft || !this.preview) return;
    // The number goes along: if it is no longer true, the guard asks again.
    await this.#finish(draft, {
      ...draft.patch,
      confirmed_removals: this.preview.removed || null,
      even_so: this.evenSo || null,
    });
  }

  async #finish(draft: Draft, patch: Patch): Promise<void> {
    const done = await this.#during(patch, () => this.apply(draft.group, patch));
    if (this.draft === draft) {
      if (done || (!this.#shown && !this.movesBehind)) this.#drop();
    } else if (done) {
      // What was chosen meanwhile waits for a look of its own, and asks about no moves that are settled.
      [this.movesBehind, this.evenSo] = [0, false];
    }
  }

  async #during(patch: Patch, apply: () => Promise<boolean>): Promise<boolean> {
    this.#under += 1;
    this.applying = true;
    if (patch.calendar_id) this.moving = true;
    const done = await apply();
    this.#under -= 1;
    this.applying = this.#under > 0;
    if (patch.calendar_id) this.moving = false;
    return done;
  }

  /** "Leave as it is": every control goes back to what is true. */
  cancel(): void {
    this.#drop();
  }

  /** Puts right what the trainer is typing again. */
  forget(field: string): void {
    if (!this.errors[field]) return;
    this.errors = Object.fromEntries(Object.entries(this.errors).filter(([name]) => name !== field));
  }

  say(field: string, error: CommandError): void {
    this.errors = { ...this.errors, [field]: error };
  }

  #drop(): void {
    clearTimeout(this.#wait);
    this.#turn += 1;
    this.#shown = false;
    [this.movesBehind, this.evenSo] = [0, false];
    this.draft = undefined;
    this.preview = undefined;
    this.looking = false;
  }

  #wrong(error: CommandError, patch: Patch, asked?: Draft): void {
    if (error.code === 'moves_waiting' && asked && !this.draft) this.#ask(asked);
    // A choice that was made meanwhile, and is not about the calendar, costs nothing of it.
    if (error.code === 'moves_waiting' && this.draft?.patch.calendar_id)
      [this.movesBehind, this.evenSo] = [Number(error.detail) || 1, false];
    else if (error.field && error.field in patch) this.errors = { ...this.errors, [error.field]: error };
    else sayProblem(error);
    void settings.refresh();
  }

  /** Before the start no event changes: there is nothing to look at but what would stay behind. */
  #ask(asked: Draft): void {
    const [matching, total] = [settings.value?.matching ?? 0, settings.value?.total ?? 0];
    this.draft = asked;
    this.preview = { added: 0, changed: 0, removed: 0, moved_back: 0, left_out: [], matching, total, items: [] };
    this.#shown = true;
  }

  #clearErrors(patch: Patch): void {
    const left = Object.entries(this.errors).filter(([field]) => !(field in patch));
    if (left.length !== Object.keys(this.errors).length) this.errors = Object.fromEntries(left);
  }

  /** For tests and for leaving: nothing chosen, nothing wrong. */
  reset(): void {
    this.#drop();
    clearTimeout(this.#timer);
    this.saved = undefined;
    this.errors = {};
  }
}

export const change = new Change();
