import type { Progress } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';
import { Resource } from '$lib/resource.svelte';
import { getOverview } from './api';

export const overview = new Resource(getOverview);

export const zone = (): string => overview.value?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
export const platformName = (): string => overview.value?.platform?.name ?? m.your_platform();

/** A bar never goes back: a late event of the same run must not undo a newer one. */
export function progressed(progress: Progress): void {
  const current = overview.value;
  if (!current) return;
  const before = current.progress;
  if (before && before.total === progress.total && before.done > progress.done) return;
  overview.set({ ...current, progress });
}
