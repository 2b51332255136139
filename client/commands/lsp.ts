import { Command } from 'commander';
import { serveEditor } from '../editor/language-server.js';

export function createCommand(): Command {
  return new Command('lsp')
    .description('Serve an editor over standard input and output: problems as you type, completion, hover')
    .option('--stdio', 'accepted for editors that add it; there is no other way to connect')
    .option('--load-plugins', 'load the plugins that open files name, which runs their code')
    .action(({ loadPlugins = false }: { loadPlugins?: boolean }) => serveEditor(loadPlugins));
}
