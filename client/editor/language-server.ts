import { fileURLToPath } from 'node:url';
import {
  CompletionItemKind,
  createConnection,
  DiagnosticSeverity,
  MarkupKind,
  StreamMessageReader,
  StreamMessageWriter,
  TextDocuments,
  TextDocumentSyncKind,
  type CompletionItem,
  type Connection,
  type Diagnostic,
  type Range,
  type TextDocumentPositionParams,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { complete } from '../../domain/engine/language/editor/complete.js';
import type { EditedPipeline, Offer } from '../../domain/engine/language/editor/cursor.js';
import { describe, findDefinition } from '../../domain/engine/language/editor/look-up.js';
import type { Place, Problem } from '../../domain/engine/language/problems/problems.js';
import { packageVersion } from '../../domain/package-root.js';
import { checkText } from './edited-file.js';

/** Time without a change after which a text is checked, in milliseconds. */
const PAUSE = 200;

const KINDS: Readonly<Record<Offer['kind'], CompletionItemKind>> = {
  variable: CompletionItemKind.Variable,
  field: CompletionItemKind.Field,
  function: CompletionItemKind.Function,
  parameter: CompletionItemKind.Property,
  activity: CompletionItemKind.Class,
  value: CompletionItemKind.EnumMember,
};

/**
 * Serves an editor on standard input and output, until it ends the connection: the problems that `validate`
 * finds, completion, go to definition, and hover.
 */
export function serveEditor(loadPlugins: boolean): Promise<void> {
  const connection = createConnection(
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  new LanguageServer(connection, loadPlugins).listen();
  return new Promise((resolve) => {
    connection.onExit(resolve);
    process.stdin.once('end', resolve);
  });
}

class LanguageServer {
  private readonly connection: Connection;
  private readonly loadPlugins: boolean;
  private readonly documents = new TextDocuments(TextDocument);
  private readonly pending = new Map<string, NodeJS.Timeout>();
  /** What each text was when it could last be read: most of it is still true while a line is written. */
  private readonly edited = new Map<string, EditedPipeline>();

  constructor(connection: Connection, loadPlugins: boolean) {
    this.connection = connection;
    this.loadPlugins = loadPlugins;
  }

  listen(): void {
    const { connection, documents } = this;
    connection.onInitialize(() => ({
      serverInfo: { name: 'sam-mil', version: packageVersion() },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        completionProvider: { triggerCharacters: ['.', '{', ' '] },
        definitionProvider: true,
        hoverProvider: true,
      },
    }));
    documents.onDidChangeContent(({ document }) => this.checkSoon(document));
    documents.onDidClose(({ document }) => this.forget(document));
    connection.onCompletion((at) => {
      return (
        this.ask(at, (edited, text, line, column) => complete(edited, text, line, column).map(itemOf)) ?? []
      );
    });
    connection.onDefinition((at) => {
      const place = this.ask(at, findDefinition);
      return place && { uri: at.textDocument.uri, range: rangeOf(place) };
    });
    connection.onHover((at) => {
      const value = this.ask(at, describe);
      return value === undefined ? undefined : { contents: { kind: MarkupKind.Markdown, value } };
    });
    documents.listen(connection);
    connection.listen();
  }

  private ask<T>(
    { textDocument, position }: TextDocumentPositionParams,
    answer: (edited: EditedPipeline, text: string, line: number, column: number) => T,
  ): T | undefined {
    const document = this.documents.get(textDocument.uri);
    const edited = this.edited.get(textDocument.uri);
    if (document === undefined || edited === undefined) return undefined;
    return answer(edited, document.getText(), position.line + 1, position.character);
  }

  private checkSoon(document: TextDocument): void {
    clearTimeout(this.pending.get(document.uri));
    this.pending.set(
      document.uri,
      setTimeout(() => void this.check(document), PAUSE),
    );
  }

  private forget({ uri }: TextDocument): void {
    clearTimeout(this.pending.get(uri));
    this.pending.delete(uri);
    this.edited.delete(uri);
    void this.connection.sendDiagnostics({ uri, diagnostics: [] });
  }

  private async check(document: TextDocument): Promise<void> {
    const { uri, version } = document;
    try {
      const { problems, edited } = await checkText(pathOf(uri), document.getText(), this.loadPlugins);
      // A later change has its own check.
      if (this.documents.get(uri)?.version !== version) return;
      if (edited) this.edited.set(uri, edited);
      const diagnostics = problems.filter(({ file }) => file === undefined).map(diagnosticOf);
      await this.connection.sendDiagnostics({ uri, version, diagnostics });
    } catch (error) {
      this.connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }
}

function pathOf(uri: string): string {
  return uri.startsWith('file:') ? fileURLToPath(uri) : `${process.cwd()}/untitled.yaml`;
}

function diagnosticOf(problem: Problem): Diagnostic {
  const { code, severity, message, hint, place } = problem;
  return {
    range: rangeOf(place),
    severity: severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    source: 'sam-mil',
    message: hint === undefined ? message : `${message}\n${hint}`,
  };
}

function rangeOf({ line, column, length }: Place): Range {
  const start = { line: line - 1, character: column - 1 };
  return { start, end: { line: line - 1, character: column - 1 + length } };
}

function itemOf({ label, kind, detail, description, insert }: Offer): CompletionItem {
  return {
    label,
    kind: KINDS[kind],
    ...(detail === undefined ? {} : { detail }),
    ...(description === undefined
      ? {}
      : { documentation: { kind: MarkupKind.Markdown, value: description } }),
    ...(insert === undefined ? {} : { insertText: insert }),
  };
}
