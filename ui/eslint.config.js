import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['dist/', 'dist-mock/', 'src/lib/paraglide/', 'src/lib/bindings.ts', 'project.inlang/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
  },
  { files: ['*.config.*', 'vite.config.ts'], languageOptions: { globals: { ...globals.node } } },
  {
    rules: {
      // Titles and notes come from outside; they are text and never markup.
      'svelte/no-at-html-tags': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[source.value='$lib/bindings'] > ImportSpecifier[imported.name='commands']",
          message: 'Commands are called from the api module of a feature only.',
        },
      ],
      'svelte/no-navigation-without-resolve': 'off',
      'no-undef': 'off',
      // Written spaces at the edge of a block would be dropped; a string keeps them.
      'svelte/no-useless-mustaches': 'off',
      // Places are replaced as a whole, never changed in place.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  { files: ['**/api.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
