import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/**
 * Data flows one way: client -> workflows -> activities -> domain, and inside domain from the rooms below to the rooms above.
 * Each entry lists what a folder may NOT import; the linter is where the rule lives.
 */
const rooms = [
  ['native', 'formats'],
  ['store', 'language', 'onnx'],
  ['weights'],
  ['slides'],
  ['tissue', 'sam'],
  ['features', 'mil'],
  ['report'],
];

/** A room may import its own files, the rooms of the rows before it, and domain's top-level files. */
const roomRules = rooms.flatMap((row, index) =>
  row.map((room) => {
    const forbidden = [...row.filter((other) => other !== room), ...rooms.slice(index + 1).flat()];
    return {
      files: [`domain/${room}/**/*.ts`],
      rules: {
        '@typescript-eslint/no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                group: upward(['activities', 'workflows', 'client', 'worker.js', 'test']),
                message: 'domain imports nothing above it',
              },
              {
                group: forbidden.flatMap((other) => [`../${other}/*`, `../${other}/**`]),
                message: `domain/${room} may import only rooms below it (see eslint.config.mjs)`,
                allowTypeImports: true,
              },
              // The last row has nothing above it, and an empty group is refused.
            ].filter(({ group }) => group.length > 0),
          },
        ],
      },
    };
  }),
);

function upward(names) {
  return names.flatMap((name) => [`**/${name}`, `**/${name}/**`]);
}

function restrict(files, patterns, ignores = []) {
  return { files, ignores, rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] } };
}

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'work/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  importX.flatConfigs.typescript,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.mjs', 'client/*.mjs'] } },
    },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { typescript: true } },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-self-import': 'error',
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
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
    },
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  restrict(
    ['domain/*.ts'],
    [
      {
        group: upward(['activities', 'workflows', 'client', 'worker.js', 'test']),
        message: 'domain imports nothing above it',
      },
    ],
  ),
  ...roomRules,
  restrict(
    ['activities/**/*.ts'],
    [
      {
        group: upward(['workflows', 'client', 'worker.js', 'test']),
        message: 'activities import only domain',
      },
    ],
  ),
  restrict(
    ['workflows/**/*.ts'],
    [
      { group: upward(['client', 'worker.js', 'test']), message: 'workflows import nothing above them' },
      {
        group: upward(['activities']),
        message: 'workflows take only types from activities',
        allowTypeImports: true,
      },
      {
        group: ['node:*', 'fs', 'path', 'crypto', 'os'],
        message: 'workflow code is deterministic: no Node built-ins',
      },
      {
        regex:
          '^\\.\\./domain/(?!errors\\.js|json\\.js|job\\.js|language/expressions\\.js|language/template\\.js|language/plan\\.js|language/step-context\\.js|language/duration\\.js)',
        message:
          'workflows take values only from the pure files of domain (errors, json, language/expressions|template|step-context|plan|duration)',
        allowTypeImports: true,
      },
    ],
  ),
  restrict(['client/**/*.ts'], [{ group: upward(['test']), message: 'client does not import tests' }]),
);
