import { createHash } from 'node:crypto';

/**
 * Makes tables sortable and long ones searchable. The page is complete without it: rows are then in the order
 * of the report. A table with several bodies is sorted by body unless it has the class `rows`.
 */
export const SCRIPT = `
for (const table of document.querySelectorAll('table.sortable')) {
  const head = table.tHead.rows[0];
  [...head.cells].forEach((cell, column) => {
    if (cell.classList.contains('plain')) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener('click', () => sort(table, head, cell, column));
  });
}
function sort(table, head, cell, column) {
  const ascending = cell.getAttribute('aria-sort') !== 'ascending';
  for (const other of head.cells) other.removeAttribute('aria-sort');
  cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
  const bodies = [...table.tBodies];
  const whole = bodies.length > 1 && !table.classList.contains('rows');
  const lists = whole ? [bodies] : bodies.map((body) => [...body.rows]);
  for (const list of lists) {
    const parent = list[0] && list[0].parentNode;
    const keyed = list.map((entry) => [valueOf(whole ? entry.rows[0] : entry, column), entry]);
    keyed.sort(([a], [b]) => (ascending ? 1 : -1) * compare(a, b));
    for (const [, entry] of keyed) parent.append(entry);
  }
}
function valueOf(row, column) {
  const cell = row.cells[column];
  if (!cell) return '';
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = Number(text.replace('\\u2212', '-').replace(/^\\+/, ''));
  return text !== '' && Number.isFinite(number) ? number : text;
}
function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
for (const table of document.querySelectorAll('table.filtered')) {
  const input = document.createElement('input');
  Object.assign(input, { type: 'search', className: 'filter', placeholder: 'Filter by name or class' });
  input.setAttribute('aria-label', 'Filter the table');
  table.closest('.scroll').before(input);
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.cells[0].textContent + ' ' + row.cells[1].textContent;
      row.hidden = !words.every((word) => text.toLowerCase().includes(word));
    }
  });
}
`;

/** Allows this script, the inline styles and embedded pictures, and nothing else. */
export const CONTENT_POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`;
