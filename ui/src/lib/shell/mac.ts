import { m } from '$lib/paraglide/messages';

/** True where the key beside the space bar is Cmd. */
export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

/** "Ctrl+K", "Strg+K", "⌘K". */
export const modKey = (key: string): string => (isMac() ? `⌘${key}` : `${m.sh_ctrl()}+${key}`);
