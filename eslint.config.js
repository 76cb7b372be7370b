import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// Time, timers, environment and console belong to core/ and cli/ (and to process/ for its children, and to the
// sandbox's own command).
const ambient = [
  { object: 'Date', property: 'now', message: 'Take a Clock (src/core/clock.ts).' },
  { object: 'process', property: 'env', message: 'Only cli/ reads the environment.' },
];
const ambientGlobals = ['console', 'setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'Only core/ and cli/ may use it.',
}));

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'dist-bench/**',
      'node_modules/**',
      '.dependency-cruiser.cjs',
      'eslint.config.js',
      'test/support/*.mjs',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-imports': [
        'error',
        { paths: ['child_process', 'node:child_process'].map((name) => ({ name, message: 'Use src/process.' })) },
      ],
      // Names from disks and terminals are full of control characters; the patterns that find them are meant.
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'sandbox/**/*.ts'],
    ignores: ['src/core/**', 'src/cli/**', 'src/process/**', 'sandbox/cli/**'],
    rules: {
      'no-restricted-properties': ['error', ...ambient],
      'no-restricted-globals': ['error', ...ambientGlobals],
    },
  },
  { files: ['src/process/**', 'test/**', 'bench/**', 'scripts/**'], rules: { 'no-restricted-imports': 'off' } },
  // Vitest's asymmetric matchers (expect.stringContaining) are of the type any.
  { files: ['test/**'], rules: { '@typescript-eslint/no-unsafe-assignment': 'off' } },
);
