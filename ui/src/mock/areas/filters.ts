import type { AppointmentRow, SettingsPatch } from '$lib/bindings';

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** What a patch names; `null` means "stays". */
export const withoutNone = (patch: Partial<SettingsPatch>): Given<SettingsPatch> =>
  Object.fromEntries(Object.entries(patch).filter(([, v]) => v !== null && v !== undefined)) as Given<SettingsPatch>;

/** An event of it stands in the calendar. */
export const writtenBefore = (row: AppointmentRow): boolean =>
  ['synced', 'waiting', 'syncing', 'conflict'].includes(row.badge);
