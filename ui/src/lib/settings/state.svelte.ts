import { Resource } from '$lib/resource.svelte';
import { getSettings } from './api';

export const settings = new Resource(getSettings);
