// The admin's page: asks every second whether anything has changed, and rebuilds only what has.

const API = '/admin/api';
const $ = (selector, root = document) => root.querySelector(selector);
const state = { overview: null, limit: 100 };

async function call(method, path, body) {
  const answer = await fetch(API + path, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 204) return null;
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.detail ?? `Error ${answer.status}`);
  return json;
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Times are shown by the clocks of the appointment, as the offset in them says, not by those of this browser.
const dateOf = (text) => text.slice(0, 10);
const timeOf = (text) => text.slice(11, 16);
const dayName = (date) =>
  new Date(`${date}T12:00:00Z`).toLocaleDateString('en-GB', {
    weekday: 'short', day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC',
  });
const span = (start, end) => {
  const to = end === null ? 'open end' : dateOf(end) === dateOf(start) ? timeOf(end) : `${dayName(dateOf(end))} ${timeOf(end)}`;
  return `${timeOf(start)} – ${to}`;
};
const ago = (at) => {
  if (at === null) return 'never';
  const minutes = Math.floor((Date.parse(state.overview.now) - Date.parse(at)) / 60000);
  if (minutes < 1) return 'just now';
  return minutes < 60 ? `${minutes} min ago` : new Date(at).toLocaleString('en-GB');
};
const titleOf = (appointment) => appointment.title ?? appointment.topic ?? 'Without title';
const personName = (id) => state.overview.people.find((person) => person.id === id)?.name ?? 'Nobody';

// Appointments.

function row(record) {
  const { appointment } = record;
  const cancelled = appointment.status === 'cancelled';
  const place = [appointment.location?.name, appointment.location?.address].filter(Boolean).join(', ');
  const chips = [
    element('span', { class: `chip ${cancelled ? 'bad' : appointment.status === 'tentative' ? 'amber' : ''}` }, appointment.status),
    appointment.private ? element('span', { class: 'chip amber' }, 'private') : null,
    record.locked ? element('span', { class: 'chip amber' }, 'time fixed') : null,
  ].flatMap((chip) => (chip ? [chip, ' '] : []));
  const action = (name, label) => element('button', { 'data-action': name, onclick: () => act(name, record) }, label);
  return element(
    'tr',
    {
      'data-appointment': appointment.id,
      'data-version': appointment.version,
      'data-status': appointment.status,
      'data-assignee': record.assignee ?? '',
      id: appointment.id,
    },
    element('td', { class: 'when' },
      element('b', { 'data-cell': 'start', 'data-value': appointment.start }, dayName(dateOf(appointment.start))),
      element('small', { 'data-cell': 'end', 'data-value': appointment.end ?? '' }, span(appointment.start, appointment.end)),
      appointment.time_zone === 'Europe/Berlin' ? null : element('small', {}, appointment.time_zone)),
    element('td', { class: 'what' },
      element('b', { 'data-cell': 'title' }, titleOf(appointment)),
      appointment.title !== null && appointment.topic !== null ? element('small', {}, appointment.topic) : null,
      place ? element('small', {}, place) : null),
    element('td', { class: 'who', 'data-cell': 'trainer' }, personName(record.assignee),
      element('small', {}, `${appointment.id} · v${appointment.version}`)),
    element('td', { class: 'state', 'data-cell': 'status' }, ...chips,
      element('small', {}, `${appointment.updated_by.kind}: ${appointment.updated_by.name}`)),
    element('td', { class: 'actions' },
      action('move', 'Move'), action('edit', 'Edit'), action('reassign', 'Give to…'),
      cancelled ? action('restore', 'Restore') : action('cancel', 'Cancel'), action('delete', 'Delete')),
  );
}

function showRows(records) {
  const body = $('#rows');
  const before = new Map([...body.children].map((node) => [node.dataset.appointment, node]));
  const first = before.size === 0;
  const nodes = records.map((record) => {
    const { id, version } = record.appointment;
    const known = before.get(id);
    if (known?.dataset.version === String(version)) return known;
    const node = row(record);
    if (!first) node.classList.add('told');
    return node;
  });
  // A row that stays keeps its place in the document, so that nobody clicks into nothing.
  const same = nodes.length === body.children.length && nodes.every((node, index) => node === body.children[index]);
  if (!same) body.replaceChildren(...nodes);
  $('#no-rows').hidden = nodes.length > 0;
  $('#appointment-count').textContent = state.overview.total;
  $('#more').hidden = state.overview.total <= nodes.length;
}

// Notifications and people.

function showNotifications(notifications) {
  $('#notification-count').textContent = notifications.length;
  $('#no-notifications').hidden = notifications.length > 0;
  $('#notifications').replaceChildren(...notifications.map((told) => {
    const when = (slot) => `${dayName(dateOf(slot.start))}, ${span(slot.start, slot.end)}`;
    const verb = told.kind === 'moved' ? 'moved' : 'created';
    return element('li', { 'data-notification': told.id, 'data-about': told.appointment_id, 'data-kind': told.kind },
      element('b', {}, `${told.trainer} ${verb} ${told.title}`),
      told.from ? element('small', {}, `from ${when(told.from)}`) : null,
      element('small', {}, `${told.from ? 'to ' : ''}${when(told.to)}`),
      element('small', {}, [told.source?.device, told.source?.provider, new Date(told.at).toLocaleTimeString('en-GB')]
        .filter(Boolean).join(' · ')));
  }));
}

function laptop(integration) {
  const { report } = integration;
  const bad = ['error', 'needs_reauth'].includes(report.status);
  return element('div', {
    class: 'laptop', 'data-device': report.device_id, 'data-status': report.status, 'data-writer': integration.writer,
  },
    element('span', { class: `chip ${bad ? 'bad' : report.status === 'active' ? '' : 'amber'}` }, report.status.replace('_', ' ')),
    ` ${report.device}`, integration.writer ? ' · writes' : '',
    element('small', {}, `${integration.provider} · last success ${ago(report.last_success_at)}`),
    element('small', {}, `${report.linked} linked · ${report.waiting} waiting · ${report.conflicts} conflicts`),
    report.problem ? element('small', {}, report.problem) : null);
}

function showPeople(people) {
  // An open list of reasons must not close under the admin's hand.
  if ($('#people').contains(document.activeElement) && document.activeElement.tagName === 'SELECT') return;
  $('#people').replaceChildren(...people.map((person) => {
    const on = person.paused === null;
    const reason = element('select', { 'data-field': 'reason', 'aria-label': 'Reason' },
      element('option', { value: 'disabled_by_admin' }, 'by admin'),
      element('option', { value: 'maintenance' }, 'maintenance'),
      element('option', { value: 'kill_switch' }, 'kill switch'));
    if (!on) reason.value = person.paused;
    const toggle = element('button', {
      'data-action': 'sync-toggle',
      onclick: () => call('PATCH', `/people/${person.id}`, { paused: on ? reason.value : null }).then(() => refresh()),
    }, on ? 'Turn sync off' : 'Turn sync on');
    return element('article', { 'data-person': person.id, 'data-sync': person.calendar_sync.enabled ? 'enabled' : 'disabled' },
      element('div', { class: 'person' },
        element('div', {}, element('b', {}, person.name), element('small', {}, `${person.role} · ${person.time_zone}`)),
        element('span', { class: `chip ${person.calendar_sync.enabled ? '' : 'bad'}` },
          person.calendar_sync.enabled ? 'sync on' : `off: ${person.calendar_sync.reason.replaceAll('_', ' ')}`)),
      ...person.integrations.map(laptop),
      element('div', { class: 'switch' }, toggle, on ? reason : null));
  }));
}

// Dialogs.

function openDialog(id, fill, save) {
  const dialog = $(id);
  const form = $('form', dialog);
  form.reset();
  $('[data-error]', dialog).textContent = '';
  fill(form, dialog);
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (event.submitter?.value === 'close') return dialog.close();
    try {
      await save(form);
      dialog.close();
      await refresh();
    } catch (error) {
      $('[data-error]', dialog).textContent = error.message;
    }
  };
  dialog.showModal();
}

const field = (form, name) => form.elements.namedItem(name);
const textOf = (form, name) => field(form, name).value.trim() || null;
const placeOf = (form) => {
  const [name, address] = [textOf(form, 'place'), textOf(form, 'address')];
  return name || address ? { name, address } : null;
};

function fillPeople(select, chosen, withNobody) {
  const options = state.overview.people.map((person) => element('option', { value: person.id }, person.name));
  if (withNobody) options.push(element('option', { value: '' }, 'Nobody'));
  select.replaceChildren(...options);
  select.value = chosen ?? '';
}

// An end before the start means the next day.
function times(form) {
  const [date, start, end] = ['date', 'start', 'end'].map((name) => field(form, name).value);
  if (!end) return { start: `${date}T${start}`, end: null };
  const next = new Date(`${date}T00:00:00Z`);
  if (end <= start) next.setUTCDate(next.getUTCDate() + 1);
  return { start: `${date}T${start}`, end: `${next.toISOString().slice(0, 10)}T${end}` };
}

const actions = {
  move(record) {
    const { appointment } = record;
    openDialog('#move-dialog', (form, dialog) => {
      $('[data-about]', dialog).textContent = `${titleOf(appointment)} · ${appointment.time_zone}`;
      field(form, 'date').value = dateOf(appointment.start);
      field(form, 'start').value = timeOf(appointment.start);
      field(form, 'end').value = appointment.end === null ? '' : timeOf(appointment.end);
    }, (form) => call('POST', `/appointments/${appointment.id}/move`, times(form)));
  },
  edit(record) {
    const { appointment } = record;
    openDialog('#edit-dialog', (form) => {
      field(form, 'title').value = appointment.title ?? '';
      field(form, 'topic').value = appointment.topic ?? '';
      field(form, 'place').value = appointment.location?.name ?? '';
      field(form, 'address').value = appointment.location?.address ?? '';
      field(form, 'notes').value = appointment.notes ?? '';
      field(form, 'status').value = appointment.status === 'tentative' ? 'tentative' : 'scheduled';
      field(form, 'private').checked = appointment.private;
      field(form, 'locked').checked = record.locked;
      field(form, 'editable_time').checked = appointment.editable.includes('time');
      field(form, 'editable_notes').checked = appointment.editable.includes('notes');
    }, (form) => call('PATCH', `/appointments/${appointment.id}`, {
      title: textOf(form, 'title'),
      topic: textOf(form, 'topic'),
      location: placeOf(form),
      notes: textOf(form, 'notes'),
      ...(appointment.status === 'cancelled' ? {} : { status: field(form, 'status').value }),
      private: field(form, 'private').checked,
      locked: field(form, 'locked').checked,
      editable: ['time', 'notes'].filter((name) => field(form, `editable_${name}`).checked),
    }));
  },
  reassign({ appointment, assignee }) {
    openDialog('#reassign-dialog', (form, dialog) => {
      $('[data-about]', dialog).textContent = titleOf(appointment);
      fillPeople(field(form, 'assignee'), assignee, true);
    }, (form) => call('POST', `/appointments/${appointment.id}/reassign`, { assignee: field(form, 'assignee').value || null }));
  },
  cancel: (record) => confirmed('Cancel this appointment?', record, () => call('POST', `/appointments/${record.appointment.id}/cancel`)),
  delete: (record) => confirmed('Delete this appointment for good?', record, () => call('DELETE', `/appointments/${record.appointment.id}`)),
  restore: (record) => call('POST', `/appointments/${record.appointment.id}/restore`).then(() => refresh()),
};

function act(name, record) {
  // The row may be older than what is known by now.
  const current = state.overview.appointments.find((one) => one.appointment.id === record.appointment.id);
  actions[name](current ?? record);
}

function confirmed(question, { appointment }, save) {
  openDialog('#confirm-dialog', (form, dialog) => {
    $('h3', dialog).textContent = question;
    $('[data-about]', dialog).textContent = `${titleOf(appointment)}, ${dayName(dateOf(appointment.start))}`;
  }, save);
}

function shift(minutes) {
  const form = $('#move-dialog form');
  const moved = (date, time) => new Date(Date.parse(`${date}T${time}:00Z`) + minutes * 60000).toISOString();
  const date = field(form, 'date').value;
  const start = moved(date, field(form, 'start').value);
  const end = field(form, 'end').value;
  if (end) field(form, 'end').value = timeOf(moved(date, end));
  field(form, 'date').value = dateOf(start);
  field(form, 'start').value = timeOf(start);
}

function create() {
  openDialog('#create-dialog', (form) => {
    fillPeople(field(form, 'assignee'), $('#filter-trainer').value || 'usr_7', false);
    const tomorrow = new Date(Date.parse(state.overview.now) + 86400000);
    field(form, 'date').value = tomorrow.toISOString().slice(0, 10);
    field(form, 'start').value = '09:00';
    field(form, 'end').value = '10:30';
  }, (form) => call('POST', '/appointments', {
    assignee: field(form, 'assignee').value,
    title: textOf(form, 'title'),
    topic: textOf(form, 'topic'),
    location: placeOf(form),
    notes: textOf(form, 'notes'),
    ...times(form),
  }));
}

// Life.

function show(overview) {
  const first = state.overview === null;
  state.overview = overview;
  if (first) {
    const options = overview.people.map((person) => element('option', { value: person.id }, person.name));
    $('#filter-trainer').replaceChildren(element('option', { value: '' }, 'Everybody'), ...options, element('option', { value: 'nobody' }, 'Nobody'));
  }
  if (document.activeElement !== $('#sync-everybody')) $('#sync-everybody').value = overview.paused ?? '';
  showRows(overview.appointments);
  showNotifications(overview.notifications);
  showPeople(overview.people);
  if (first && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: 'center' });
}

let asked = 0;
async function refresh(onlyIfChanged = false) {
  const query = new URLSearchParams({
    assignee: $('#filter-trainer').value, q: $('#search').value, when: $('#filter-when').value, limit: state.limit,
  });
  if (onlyIfChanged && state.overview) query.set('revision', state.overview.revision);
  const number = ++asked;
  const overview = await call('GET', `/overview?${query}`);
  // An answer that was overtaken by a later question is old.
  if (overview !== null && number === asked) show(overview);
}

$('#create').addEventListener('click', create);
$('#search').addEventListener('input', () => refresh());
$('#filter-trainer').addEventListener('change', () => refresh());
$('#filter-when').addEventListener('change', () => refresh());
$('#more').addEventListener('click', () => { state.limit += 200; refresh(); });
$('#clear-notifications').addEventListener('click', () => call('DELETE', '/notifications').then(() => refresh()));
$('#sync-everybody').addEventListener('change', async (event) => {
  event.target.blur();
  await call('PUT', '/policy', { reason: event.target.value || null });
  await refresh();
});
$('#move-dialog').addEventListener('click', (event) => {
  const minutes = event.target.dataset?.shiftMinutes;
  if (minutes) shift(Number(minutes));
});
document.addEventListener('visibilitychange', () => refresh(true).catch(() => {}));
setInterval(() => refresh(true).catch(() => {}), 1000);
refresh().catch(() => {});
