/**
 * Every code a problem can have, with what it means. Codes are stable: scripts and editors may rely on them. docs/problems.md explains each;
 * a test compares the two lists.
 */
export const PROBLEM_CODES = {
  // The file as a whole
  'file-too-large': 'the file is longer than a pipeline can sensibly be',
  'yaml-syntax': 'the text is not YAML',
  'tab-indent': 'a tab is used for indentation',
  'multiple-documents': 'the file holds more than one YAML document',
  'duplicate-key': 'a key stands twice in one mapping',
  'merge-key': 'a `<<` merge key is used',
  'non-string-key': 'a key is not text',
  'yaml-tag': 'a value has a YAML tag (`!something`)',
  'bad-alias': 'an alias points to nothing, or to a value that contains it',
  'alias-bomb': 'aliases expand to too many values',
  'too-deep': 'values are nested too deep',
  'bad-number': 'a number has no exact finite value',
  // Keys, names and types
  'unsupported-version': 'the file is written in another version of the language',
  'unknown-key': 'a key that the language does not have here',
  'missing-key': 'a required key is absent',
  'conflicting-keys': 'two keys that exclude each other',
  'wrong-type': 'a value of the wrong type',
  'bad-value': 'a value outside what is allowed',
  'bad-name': 'a name that cannot be used in expressions or as a file name',
  'reserved-name': 'a name that already means something in expressions',
  'duplicate-id': 'two steps of a stage with one id',
  'duplicate-stage': 'two stages whose names differ in case only',
  'bad-duration': 'a duration that cannot be read',
  // Parameters
  'unknown-param': 'a parameter that the pipeline does not declare',
  'missing-param': 'a parameter without default that was given no value',
  'unused-param': 'a parameter that nothing refers to',
  // Expressions
  'bad-expression': 'an expression that cannot be read or computed',
  'unknown-name': 'an expression refers to something that does not exist',
  'not-available': 'an expression refers to something that is not known at this place',
  'step-order': 'a step refers to itself or to a later step',
  'many-items': 'the outputs of a stage with many items are used as if it had one',
  // Stages
  'missing-need': 'a stage refers to one that its `needs` does not list',
  'unknown-need': 'a stage needs one that does not exist',
  'unused-need': 'a stage needs one that it never refers to',
  'unused-item': 'a stage does the same for each of its items',
  cycle: 'stages need each other in a circle',
  'matrix-too-large': 'a matrix with too many cells',
  'empty-matrix': 'a matrix without cells',
  'duplicate-cell': 'two matrix cells with one key',
  'unused-filter': 'an `exclude` that matches no cell',
  'unusual-queue': 'a queue whose name looks like a mistyped one',
  // Plugins
  'unknown-plugin': 'a plugin that is not on this machine',
  'bad-plugin': 'a plugin that cannot be loaded, or a module that exports none',
  'plugin-clash': 'a plugin with an activity or model whose name is taken',
  // Activities
  'unknown-activity': 'an activity that no plugin offers',
  'unknown-with': 'a parameter that the activity does not have',
  'missing-with': 'a parameter that the activity requires',
  'missing-file': 'a file that the pipeline names does not exist',
  'not-here': 'something that a step needs, such as the weights of a model, is not on this machine',
  'wrong-kind': 'an output is wired to an input of another kind',
  'unknown-cell': 'a matrix cell that does not exist',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;
