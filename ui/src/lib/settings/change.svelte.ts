import type { Preview, SettingsPatch } from '$lib/bindings';
import { sayProblem } from '$lib/ui/act';
import { asCommandError } from '$lib/command';
import { overview } from '$lib/overview/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { changeSettings, previewSettings } from './api';
import { settings } from './state.svelte';

type Patch = Partial<SettingsPatch>;

/** Changes apply at once; one that would add or remove many events asks first, with the number. */
class Change {
  /** The field that was saved last, for its quiet "Saved". */
  saved = $state<string | undefined>();
  /** What waits for a yes. */
  asking = $state.raw<{ patch: Patch; preview: Preview; field: string } | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  async apply(field: string, patch: Patch): Promise<void> {
    try {
      settings.set(await changeSettings(patch));
      this.saved = field;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => (this.saved = undefined), 4_000);
    } catch (e) {
      const error = asCommandError(e);
      // Before both accounts are there only the app's own settings exist; these were saved all the same.
      if (error.code !== 'not_connected') sayProblem(error);
      void settings.refresh();
    }
    void info.refresh();
  }

  /** For what changes which events exist. Before the start, and while nothing is connected, there is nothing to lose. */
  async propose(field: string, patch: Patch): Promise<void> {
    if (!overview.value?.started) return this.apply(field, patch);
    try {
      const preview = await previewSettings(patch);
      if (preview.removed === 0 && preview.moved_back === 0 && preview.added + preview.changed <= 10)
        return await this.apply(field, patch);
      this.asking = { patch, preview, field };
    } catch (e) {
      sayProblem(asCommandError(e));
      void settings.refresh();
    }
  }

  async confirm(): Promise<void> {
    const asked = this.asking;
    this.asking = undefined;
    // The number goes along: if it is no longer true, the guard asks again.
    if (asked) await this.apply(asked.field, { ...asked.patch, confirmed_removals: asked.preview.removed || null });
  }

  cancel(): void {
    this.asking = undefined;
    // The switch goes back to what is true.
    const current = settings.value;
    if (current) settings.set({ ...current });
  }
}

export const change = new Change();
