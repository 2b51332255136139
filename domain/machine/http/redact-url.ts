/**
 * Replaces what may be secret in the URLs of a text: user and password (`//***@host`), and the query, which
 * often holds a token or a signature (`?***`). Workflows import this module, so it uses no Node built-ins.
 */
export function redactUrls(text: string): string {
  return text
    .replace(/\/\/[^\s/?#"'<>]*@/g, '//***@')
    .replace(/(\b[a-z][\w+.-]*:\/\/[^\s"'<>?#]*)\?[^\s"'<>]*[^\s"'<>;,.)\]]/gi, '$1?***');
}
