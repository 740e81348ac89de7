import { toast } from 'svelte-sonner';
import type { SavedFile } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';
import { act } from '$lib/ui/act';
import { showSavedFile } from './api';

/** Saves a file, says its name and how much is in it, and offers to show it. */
export const saveFile = (save: () => Promise<SavedFile>): Promise<boolean> =>
  act(async () => {
    const file = await save();
    toast.success(m.st_saved_file({ name: file.name }), {
      description: m.st_saved_lines({ count: file.lines }),
      duration: 10_000,
      action: { label: m.st_show_file(), onClick: () => void act(showSavedFile) },
    });
  });
