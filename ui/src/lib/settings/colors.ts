import { m } from '$lib/paraglide/messages';

type Color = { id: string; css: string; ink: string; name: () => string };

const DARK = '#111';
const LIGHT = '#fff';

/** The colours of Google's calendar as its own pages show them, by their ids. `own` stands for "no colour of ours". */
export const COLORS: Color[] = [
  {
    id: 'own',
    css: 'conic-gradient(from 20deg, #7986cb, #33b679, #f6bf26, #f4511e, #8e24aa, #7986cb)',
    ink: LIGHT,
    name: () => m.st_color_own(),
  },
  { id: '1', css: '#7986cb', ink: DARK, name: () => m.st_color_1() },
  { id: '2', css: '#33b679', ink: DARK, name: () => m.st_color_2() },
  { id: '3', css: '#8e24aa', ink: LIGHT, name: () => m.st_color_3() },
  { id: '4', css: '#e67c73', ink: DARK, name: () => m.st_color_4() },
  { id: '5', css: '#f6bf26', ink: DARK, name: () => m.st_color_5() },
  { id: '6', css: '#f4511e', ink: DARK, name: () => m.st_color_6() },
  { id: '7', css: '#039be5', ink: DARK, name: () => m.st_color_7() },
  { id: '8', css: '#616161', ink: LIGHT, name: () => m.st_color_8() },
  { id: '9', css: '#3f51b5', ink: LIGHT, name: () => m.st_color_9() },
  { id: '10', css: '#0b8043', ink: LIGHT, name: () => m.st_color_10() },
  { id: '11', css: '#d50000', ink: LIGHT, name: () => m.st_color_11() },
];
