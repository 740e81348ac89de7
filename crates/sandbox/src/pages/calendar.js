// Week calendar of the Google stand-in. Times here are wall-clock minutes in the calendar's zone: the server makes
// instants of them, so that no zone arithmetic is needed. Hooks are listed at the top of calendar.html.

const DAY = 1440;
const GRID = 15;
const REFRESH_MS = 1000;

const one = (selector, root = document) => root.querySelector(selector);
const field = (name) => one(`[data-field="${name}"]`);
const dialog = one('dialog[data-dialog="event"]');
const bin = one('dialog[data-dialog="bin"]');

const query = new URLSearchParams(location.search);
let shown = { account: query.get('account') ?? '', calendar: query.get('calendar') ?? '', date: query.get('date') ?? '' };
let state = null;
let edited = null; // the event in the dialog; {} for a new one
let held = null; // the block being dragged
let wanted = query.get('event');

// --- days as ISO text -------------------------------------------------------------------------------------------
const dayNumber = (iso) => Math.round(Date.parse(`${iso}T00:00Z`) / 86_400_000);
const dayText = (number) => new Date(number * 86_400_000).toISOString().slice(0, 10);
const addDays = (iso, days) => dayText(dayNumber(iso) + days);
const mondayOf = (iso) => addDays(iso, -((dayNumber(iso) + 3) % 7));
const isDay = (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00Z`));
const minuteOf = (wall) => dayNumber(wall.slice(0, 10)) * DAY + Number(wall.slice(11, 13)) * 60 + Number(wall.slice(14, 16));
const pad = (number) => String(number).padStart(2, '0');
const clock = (minute) => `${pad(Math.floor((minute % DAY) / 60))}:${pad(minute % 60)}`;
const wallOf = (minute) => `${dayText(Math.floor(minute / DAY))}T${clock(minute)}`;
const named = (iso, options) => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }).format(new Date(`${iso}T00:00Z`));

function weekNumber(monday) {
  const thursday = dayNumber(monday) + 3;
  const firstOfYear = dayNumber(`${dayText(thursday).slice(0, 4)}-01-01`);
  return Math.floor((thursday - firstOfYear) / 7) + 1;
}

// --- server -----------------------------------------------------------------------------------------------------
async function refresh(force = false) {
  if (held) return;
  const asked = new URLSearchParams({ account: shown.account, calendar: shown.calendar });
  if (shown.date) asked.set('from', mondayOf(shown.date));
  if (state && !force) asked.set('version', state.version);
  const answer = await (await fetch(`/ui/state?${asked}`)).json();
  if (held) return;
  if (answer.unchanged) {
    state.now = answer.now;
    placeNow();
    return;
  }
  if (!shown.date) {
    // Only the server knows what day it is.
    shown.date = answer.now.slice(0, 10);
    return refresh(true);
  }
  state = answer;
  shown.account = answer.account;
  shown.calendar = answer.calendar;
  draw();
  if (wanted) {
    const event = state.events.find((candidate) => candidate.id === wanted);
    wanted = null;
    if (event) openDialog(event);
  }
}

async function act(action, more) {
  const body = JSON.stringify({ action, account: shown.account, calendar: shown.calendar, ...more });
  const response = await fetch('/ui/act', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? `The service answered ${response.status}.`);
  await refresh(true);
  return answer;
}

function go(change) {
  shown = { ...shown, ...change };
  const address = new URLSearchParams({ account: shown.account, calendar: shown.calendar, date: shown.date });
  history.pushState(null, '', `/?${address}`);
  one('[data-week]').removeAttribute('data-ready');
  return refresh(true);
}

// --- drawing ----------------------------------------------------------------------------------------------------
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function options(select, rows, value) {
  const text = JSON.stringify(rows);
  if (select.dataset.rows !== text) {
    select.replaceChildren(...rows.map(([key, label]) => element('option', { value: key }, label)));
    select.dataset.rows = text;
  }
  if (document.activeElement !== select) select.value = value;
}

function draw() {
  const monday = mondayOf(shown.date);
  const sunday = addDays(monday, 6);
  const sameMonth = monday.slice(0, 7) === sunday.slice(0, 7);
  const begin = named(monday, sameMonth ? { day: 'numeric' } : { day: 'numeric', month: 'long' });
  one('[data-heading]').textContent = `${begin} – ${named(sunday, { day: 'numeric', month: 'long', year: 'numeric' })}`;
  one('[data-week-number]').textContent = `Week ${weekNumber(monday)}`;
  one('[data-zone]').textContent = state.zone ?? 'no calendar';
  options(one('[data-account-select]'), state.accounts.map((a) => [a.email, a.name]), shown.account);
  options(one('[data-calendar-select]'), state.calendars.map((c) => [c.id, c.primary ? `${c.name} (main)` : c.name]), shown.calendar);
  const calendar = state.calendars.find((candidate) => candidate.id === shown.calendar);
  document.documentElement.style.setProperty('--calendar', calendar?.color ?? '#9fc6e7');
  one('[data-bin-count]').textContent = state.bin.length ? `(${state.bin.length})` : '';
  one('[data-action="new"]').disabled = !state.writable;
  drawHours();
  const days = Array.from({ length: 7 }, (_, index) => addDays(monday, index));
  one('[data-heads]').replaceChildren(...days.map(drawHead));
  one('[data-columns]').replaceChildren(...days.map(drawDay));
  if (bin.open) drawBin();
  placeNow();
  const week = one('[data-week]');
  if (!week.dataset.scrolled) {
    one('[data-scroll]').scrollTop = one('[data-columns]').offsetHeight * (6.6 / 24);
    week.dataset.scrolled = 'yes';
  }
  week.dataset.week = monday;
  week.dataset.ready = 'yes';
}

function drawHours() {
  const hours = one('[data-hours]');
  if (hours.childElementCount) return;
  for (let hour = 1; hour < 24; hour += 1) {
    const label = element('span', {}, `${pad(hour)}:00`);
    label.style.top = `${(hour / 24) * 100}%`;
    hours.append(label);
  }
}

function drawHead(day) {
  const heading = element('h2', {}, named(day, { weekday: 'short' }), element('b', {}, String(Number(day.slice(8)))));
  const cell = element('div', { class: 'whole', 'data-all-day': day });
  const number = dayNumber(day);
  for (const event of state.events.filter((candidate) => candidate.all_day)) {
    const begins = dayNumber(event.start.slice(0, 10));
    if (begins <= number && number < dayNumber(event.end.slice(0, 10))) cell.append(block(event));
  }
  const today = state.now?.slice(0, 10) === day ? ' today' : '';
  return element('section', { class: `head${today}` }, heading, cell);
}

function drawDay(day) {
  const weekend = [5, 6].includes((dayNumber(day) + 3) % 7) ? ' weekend' : '';
  const column = element('div', { class: `day${weekend}`, 'data-day': day });
  const midnight = dayNumber(day) * DAY;
  const pieces = [];
  for (const event of state.events.filter((candidate) => !candidate.all_day)) {
    const from = minuteOf(event.start);
    const to = Math.max(minuteOf(event.end), from + GRID);
    if (from < midnight + DAY && to > midnight) {
      pieces.push({ event, from: Math.max(from - midnight, 0), to: Math.min(to - midnight, DAY), ends: to <= midnight + DAY });
    }
  }
  for (const piece of laneOut(pieces)) {
    const made = block(piece.event, piece.ends);
    made.style.top = `${(piece.from / DAY) * 100}%`;
    made.style.height = `calc(${((piece.to - piece.from) / DAY) * 100}% - 2px)`;
    made.style.left = `calc(${(piece.lane / piece.lanes) * 100}% + 3px)`;
    made.classList.toggle('short', piece.to - piece.from < 60);
    made.style.width = `calc(${100 / piece.lanes}% - 6px)`;
    column.append(made);
  }
  return column;
}

// Events that overlap share the width of their day.
function laneOut(pieces) {
  pieces.sort((a, b) => a.from - b.from || b.to - a.to);
  let group = [];
  let ends = [];
  const close = () => {
    for (const piece of group) piece.lanes = ends.length;
    group = [];
    ends = [];
  };
  for (const piece of pieces) {
    if (group.length && piece.from >= Math.max(...ends)) close();
    const free = ends.findIndex((end) => end <= piece.from);
    piece.lane = free < 0 ? ends.length : free;
    ends[piece.lane] = piece.to;
    group.push(piece);
  }
  close();
  return pieces;
}

function block(event, withHandle = false) {
  const kinds = ['tentative', 'free', 'marked'].filter((kind) => event[kind]);
  const made = element('div', {
    class: ['event', ...kinds].join(' '),
    lang: 'de',
    role: 'button',
    tabindex: '0',
    'data-event': event.id,
    'data-start': event.start,
    'data-end': event.end,
    'data-title': event.title,
    'data-all-day': String(event.all_day),
    title: [event.title, event.location].filter(Boolean).join('\n'),
  });
  made.append(element('b', {}, event.title || '(no title)'));
  if (!event.all_day) {
    const times = `${event.start.slice(11)}–${event.end.slice(11)}`;
    made.append(element('small', {}, [times, event.location].filter(Boolean).join(' · ')));
    made.addEventListener('pointerdown', (pointer) => grab(pointer, event, made));
    if (withHandle && state.writable) made.append(element('span', { 'data-handle': event.id }));
  }
  made.addEventListener('click', () => openDialog(event));
  made.addEventListener('keydown', (key) => {
    if (key.key === 'Enter') openDialog(event);
  });
  return made;
}

function placeNow() {
  one('.now')?.remove();
  if (!state?.now) return;
  const column = one(`[data-day="${state.now.slice(0, 10)}"]`);
  if (!column) return;
  const line = element('div', { class: 'now' });
  line.style.top = `${((minuteOf(state.now) % DAY) / DAY) * 100}%`;
  column.append(line);
}

// --- dragging ---------------------------------------------------------------------------------------------------
function grab(pointer, event, made) {
  if (pointer.button !== 0 || !state.writable) return;
  const resizing = pointer.target.hasAttribute('data-handle');
  const columns = [...document.querySelectorAll('[data-day]')];
  const columnAt = (x) => columns.findIndex((column) => x < column.getBoundingClientRect().right);
  const scroll = one('[data-scroll]');
  const yOf = (seen) => seen.clientY + scroll.scrollTop;
  const begin = { column: columnAt(pointer.clientX), x: pointer.clientX, y: yOf(pointer) };
  const from = minuteOf(event.start);
  const to = minuteOf(event.end);
  held = { moved: false, from, to };
  made.setPointerCapture(pointer.pointerId);

  const move = (seen) => {
    if (!held.moved && Math.hypot(seen.clientX - begin.x, yOf(seen) - begin.y) < 4) return;
    held.moved = true;
    made.classList.add('held');
    const height = columns[0].offsetHeight;
    const minutes = Math.round((((yOf(seen) - begin.y) / height) * DAY) / GRID) * GRID;
    if (resizing) {
      held.to = Math.max(to + minutes, from + GRID);
      made.style.height = `calc(${((held.to - from) / DAY) * 100}% - 2px)`;
    } else {
      const column = columnAt(seen.clientX);
      const days = (column < 0 ? columns.length - 1 : column) - begin.column;
      held.from = from + minutes + days * DAY;
      held.to = to + minutes + days * DAY;
      made.style.transform = `translate(${days * columns[0].offsetWidth}px, ${(minutes / DAY) * height}px)`;
    }
    one('small', made).textContent = `${clock(held.from)}–${clock(held.to)}`;
  };
  const drop = async (seen) => {
    made.removeEventListener('pointermove', move);
    made.removeEventListener('pointerup', drop);
    made.removeEventListener('pointercancel', drop);
    const result = held;
    held = null;
    if (!result.moved) return;
    // The click that follows a drag is not meant.
    made.addEventListener('click', (click) => click.stopImmediatePropagation(), { capture: true, once: true });
    if (seen.type === 'pointercancel' || (result.from === from && result.to === to)) return refresh(true);
    const fields = resizing ? { end: wallOf(result.to) } : { start: wallOf(result.from), end: wallOf(result.to) };
    await act('edit', { id: event.id, fields }).catch(() => refresh(true));
  };
  made.addEventListener('pointermove', move);
  made.addEventListener('pointerup', drop);
  made.addEventListener('pointercancel', drop);
}

// --- dialog -----------------------------------------------------------------------------------------------------
const weeksOf = (event) => Number(/COUNT=(\d+)/.exec((event.rules ?? []).join(' '))?.[1] ?? 0);

function openDialog(event) {
  edited = event;
  const existing = Boolean(event.id);
  field('title').value = event.title ?? '';
  field('description').value = event.description ?? '';
  field('location').value = event.location ?? '';
  field('start-date').value = event.start.slice(0, 10);
  field('start-time').value = event.all_day ? '' : event.start.slice(11);
  field('end-date').value = event.all_day ? addDays(event.end.slice(0, 10), -1) : event.end.slice(0, 10);
  field('end-time').value = event.all_day ? '' : event.end.slice(11);
  field('all-day').checked = Boolean(event.all_day);
  field('tentative').checked = Boolean(event.tentative);
  field('free').checked = Boolean(event.free);
  field('weekly').value = weeksOf(event) || '';
  field('weekly').disabled = Boolean(event.series);
  field('guest').value = '';
  one('[data-guests]').textContent = (event.guests ?? []).length ? `Guests: ${event.guests.join(', ')}` : '';
  const others = state.calendars.filter((c) => c.id !== shown.calendar && c.role !== 'reader');
  options(field('destination'), others.map((c) => [c.id, c.name]), others[0]?.id ?? '');
  for (const part of dialog.querySelectorAll('[data-existing]')) part.hidden = !existing;
  one('[data-action="delete-series"]').hidden = !event.series;
  one('[data-action="save"]').disabled = !state.writable;
  one('[data-problem]').textContent = '';
  dialog.dataset.shown = event.id ?? '';
  if (!dialog.open) dialog.showModal();
}

const normalTime = (text) => {
  const parts = /^(\d{1,2})[:.]?(\d{2})$/.exec(text.trim());
  return parts ? `${pad(Number(parts[1]))}:${parts[2]}` : text.trim();
};

function dialogFields() {
  const allDay = field('all-day').checked;
  const startDate = field('start-date').value.trim();
  const endDate = field('end-date').value.trim();
  if (!isDay(startDate) || !isDay(endDate)) throw new Error('A date looks like 2026-11-23.');
  const startTime = normalTime(field('start-time').value) || '09:00';
  const endTime = normalTime(field('end-time').value) || '10:00';
  const start = allDay ? `${startDate}T00:00` : `${startDate}T${startTime}`;
  const end = allDay ? `${addDays(endDate, 1)}T00:00` : `${endDate}T${endTime}`;
  const fields = { all_day: allDay };
  // Only what was changed is sent, so that a stale dialog does not undo somebody else's edit.
  for (const name of ['title', 'description', 'location']) {
    if (field(name).value !== (edited[name] ?? '')) fields[name] = field(name).value;
  }
  if (!edited.id || start !== edited.start || end !== edited.end || allDay !== edited.all_day) {
    fields.start = start;
    fields.end = end;
  }
  for (const name of ['tentative', 'free']) {
    if (field(name).checked !== Boolean(edited[name])) fields[name] = field(name).checked;
  }
  const weeks = Number(field('weekly').value || 0);
  if (!edited.series && weeks !== weeksOf(edited)) fields.weekly = weeks;
  if (field('guest').value.trim()) fields.add_guest = field('guest').value.trim();
  return fields;
}

async function attempt(work) {
  try {
    await work();
    dialog.close();
  } catch (problem) {
    one('[data-problem]').textContent = problem.message;
  }
}

const save = () =>
  attempt(() => {
    const fields = dialogFields();
    return edited.id ? act('edit', { id: edited.id, fields }) : act('create', { fields });
  });

function drawBin() {
  const rows = state.bin.map((event) => {
    const button = element('button', { type: 'button', 'data-action': 'restore' }, 'Restore');
    button.addEventListener('click', () => act('restore', { id: event.id }));
    const when = event.all_day ? event.start.slice(0, 10) : event.start.replace('T', ' ');
    const text = element('span', {}, event.title || '(no title)', element('small', {}, when));
    return element('li', { 'data-deleted': event.id }, text, button);
  });
  one('[data-bin]').replaceChildren(...(rows.length ? rows : [element('li', {}, 'Nothing was deleted here.')]));
}

// --- wiring -----------------------------------------------------------------------------------------------------
function newEvent() {
  const start = dayNumber(shown.date) * DAY + 9 * 60;
  openDialog({ start: wallOf(start), end: wallOf(start + 60), all_day: false });
}

const actions = {
  previous: () => go({ date: addDays(mondayOf(shown.date), -7) }),
  next: () => go({ date: addDays(mondayOf(shown.date), 7) }),
  today: () => go({ date: state.now.slice(0, 10) }),
  new: newEvent,
  bin: () => {
    drawBin();
    bin.showModal();
  },
  close: () => dialog.close(),
  'close-bin': () => bin.close(),
  copy: () => attempt(() => act('copy', { id: edited.id })),
  move: () => attempt(() => act('move', { id: edited.id, destination: field('destination').value })),
  delete: () => attempt(() => act('delete', { id: edited.id })),
  'delete-series': () => attempt(() => act('delete', { id: edited.series })),
};
document.addEventListener('click', (click) => {
  const action = click.target.closest('[data-action]')?.dataset.action;
  if (action && actions[action]) actions[action]();
});
one('form', dialog).addEventListener('submit', (submit) => {
  submit.preventDefault();
  save();
});
one('[data-account-select]').addEventListener('change', (change) => go({ account: change.target.value, calendar: '' }));
one('[data-calendar-select]').addEventListener('change', (change) => go({ calendar: change.target.value }));
field('go-date').addEventListener('keydown', (key) => {
  if (key.key === 'Enter' && isDay(key.target.value)) go({ date: key.target.value });
});
addEventListener('popstate', () => {
  const back = new URLSearchParams(location.search);
  shown = { account: back.get('account') ?? '', calendar: back.get('calendar') ?? '', date: back.get('date') ?? '' };
  refresh(true);
});

await refresh(true);
setInterval(() => refresh().catch(() => {}), REFRESH_MS);
