import type { Progress } from '$lib/bindings';
import { Resource } from '$lib/resource.svelte';
import { getOverview } from './api';
import { accountName } from './status';

export const overview = new Resource(getOverview);

export const zone = (): string => overview.value?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
export const platformName = (): string => accountName(overview.value?.platform ?? null);

/** A bar never goes back: a late event of the same run must not undo a newer one. */
export function progressed(progress: Progress): void {
  const current = overview.value;
  if (!current) return;
  const before = current.progress;
  if (before && before.total === progress.total && before.done > progress.done) return;
  overview.set({ ...current, progress });
}
