import type { Component } from 'svelte';

/** The bundle that ships: the app itself answers. */
export async function startMock(): Promise<void> {}

/** And it has no page of components. */
export const page: (() => Promise<{ default: Component }>) | undefined = undefined;
