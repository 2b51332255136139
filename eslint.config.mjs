import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { zones } from './test/structure/rooms.mjs';

export default tseslint.config(
  { ignores: ['examples/**', 'dist/**', 'node_modules/**', 'work/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  importX.flatConfigs.typescript,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.mjs', 'client/*.mjs', 'test/structure/*.mjs'] },
      },
    },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { typescript: true } },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-self-import': 'error',
      'import-x/no-restricted-paths': ['error', { zones: zones() }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'max-len': ['error', { code: 1000, comments: 110, ignoreUrls: true }],
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 400 }], 'max-lines-per-function': 'off' },
  },
  {
    // A recursive mkdir recreates a folder that was taken away from its owner: see make-folders.ts.
    files: ['domain/**/*.ts', 'activities/**/*.ts', 'workflows/**/*.ts', 'client/run/**/*.ts'],
    ignores: [
      'domain/machine/**',
      'domain/engine/store/runs-folder.ts',
      'domain/pipeline/copy/copy.ts',
      'activities/engine/workflow-bundle.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.name=/^mkdir/], CallExpression[callee.property.name=/^(mkdir|ensureDir)/]',
          message: 'Use makeScratchFolder or makeFoldersBelow, which never recreate a folder that was moved.',
        },
      ],
    },
  },
  {
    files: ['domain/files/make-folders.ts', 'domain/engine/store/fence.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    // The import graph (npm run lint) also looks at what these files import in turn.
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/activities', '**/activities/**'],
              message: 'workflows take only types from activities',
              allowTypeImports: true,
            },
            {
              group: ['node:*', 'fs', 'path', 'crypto', 'os'],
              message: 'workflow code is deterministic: no Node built-ins',
            },
          ],
        },
      ],
    },
  },
);
