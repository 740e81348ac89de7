import type { AppointmentRow } from '$lib/bindings';
import { Resource } from '$lib/resource.svelte';
import { listAppointments } from './api';
import { keepSame } from './same';

let last: AppointmentRow[] = [];

export const appointments = new Resource(async () => (last = keepSame(last, await listAppointments())));
