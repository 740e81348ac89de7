import { Resource } from '$lib/resource.svelte';
import { appInfo } from './api';

/** What is known of the app itself, also before anything is connected. */
export const info = new Resource(appInfo);
