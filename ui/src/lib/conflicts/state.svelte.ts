import { Resource } from '$lib/resource.svelte';
import { listConflicts } from './api';

export const conflicts = new Resource(listConflicts);
