import type { Component } from 'svelte';
import { page } from '$entry-mock';

/** The page of all components; the bundle that ships has none. */
export const extra: (() => Promise<{ default: Component }>) | undefined = page;
