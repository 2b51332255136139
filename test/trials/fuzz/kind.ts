/** A reader of the product, and the files that it is given. */
export interface Kind {
  /** Extension of the files, which may decide how they are read. */
  extension: string;
  /** Writes a sound file of the kind, from which the mutants are made. */
  sound: (path: string) => void | Promise<void>;
  /** Writers of files that are wrong in ways that random damage rarely finds. Each must be refused. */
  wrong?: Readonly<Record<string, (path: string) => void | Promise<void>>>;
  read: (path: string) => unknown;
}
