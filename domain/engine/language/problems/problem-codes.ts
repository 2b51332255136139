/**
 * Every problem code with its meaning. Codes are stable: scripts and editors may rely on them.
 * docs/problems.md explains each code; a test compares the two lists.
 */
export const PROBLEM_CODES = {
  // The file as a whole
  'not-a-pipeline': 'the file is something else than a pipeline',
  'file-too-large': 'the file is larger than the limit for pipeline files',
  'yaml-syntax': 'the text is not valid YAML',
  'tab-indent': 'a tab is used for indentation',
  'multiple-documents': 'the file contains more than one YAML document',
  'duplicate-key': 'a key occurs twice in one mapping',
  'merge-key': 'a `<<` merge key is used',
  'non-string-key': 'a key is not text',
  'yaml-tag': 'a value has a YAML tag (`!something`)',
  'bad-alias': 'an alias points to nothing, or to a value that contains it',
  'alias-bomb': 'aliases expand to too many values',
  'too-deep': 'values are nested too deeply',
  'bad-number': 'a number cannot be represented exactly as a finite value, or has leading zeros',
  // Keys, names and types
  'unsupported-version': 'the file uses another version of the language',
  'unknown-key': 'a key that the language does not define here',
  'missing-key': 'a required key is missing',
  'conflicting-keys': 'two keys that exclude each other',
  'wrong-type': 'a value of the wrong type',
  'bad-value': 'a value that is not allowed',
  'bad-name': 'a name that cannot be used in expressions or as a file name',
  'reserved-name': 'a name that already has a meaning in expressions',
  'duplicate-id': 'two steps of a stage have the same id',
  'duplicate-stage': 'the names of two stages differ only in case',
  'bad-duration': 'a value that is not a valid duration',
  // Parameters
  'unknown-param': 'a parameter that the pipeline does not declare',
  'missing-param': 'a parameter without a default that has no value',
  'unused-param': 'a parameter that nothing refers to',
  // Expressions
  'bad-expression': 'an expression that cannot be parsed or evaluated',
  'unknown-name': 'an expression refers to something that does not exist',
  'not-available': 'an expression refers to something that is not available at this place',
  'step-order': 'a step refers to itself or to a later step',
  'many-items': 'the outputs of a stage with many items are used as if it had one',
  // Stages
  'missing-need': 'a stage refers to one that its `needs` does not list',
  'unknown-need': 'a stage needs one that does not exist',
  'unused-need': 'a stage needs one that it never refers to',
  'unused-item': 'a stage does the same work for each of its items',
  cycle: 'the needs of stages form a cycle',
  'matrix-too-large': 'a matrix has too many cells',
  'empty-matrix': 'a matrix has no cells',
  'duplicate-cell': 'two matrix cells have the same key',
  'unused-filter': 'an `exclude` matches no cell',
  'unusual-queue': 'a queue name that looks mistyped',
  // Plugins
  'unknown-plugin': 'a plugin is not installed on this machine',
  'bad-plugin': 'a plugin cannot be loaded, or a module does not export one',
  'plugin-clash': 'a plugin has an activity or model whose name is already used',
  // Activities
  'unknown-activity': 'an activity that no plugin provides',
  'unknown-with': 'a parameter that the activity does not have',
  'missing-with': 'a parameter that the activity requires',
  'missing-file': 'a file that the pipeline names does not exist',
  'missing-resource': 'something that a step needs, such as the weights of a model, is not on this machine',
  'wrong-kind': 'an output is passed to an input of another kind',
  'unknown-cell': 'a matrix cell that does not exist',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;
