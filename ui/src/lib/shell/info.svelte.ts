import { Resource } from '$lib/resource.svelte';
import { appInfo } from './api';

/** What is known of the app itself, also before anything is connected. */
export const info = new Resource(appInfo);

let told = $state<string>();

/** `light` or `dark`, as the system said last. */
export const systemTheme = (): string | undefined => told ?? info.value?.system_theme;

/** The desktop has become light or dark; nothing is older than what it says itself. */
export function systemThemeIs(theme: string): void {
  told = theme;
}
