import { Resource } from '$lib/resource.svelte';
import { listAppointments } from './api';

export const appointments = new Resource(listAppointments);
