import '@fontsource-variable/atkinson-hyperlegible-next/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import { mount } from 'svelte';
import { startMock } from '$entry-mock';
import App from './App.svelte';

await startMock();

const target = document.getElementById('app');
if (target) mount(App, { target });
