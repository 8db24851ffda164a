(() => {
  // Tables and definition lists of a page, with the heading above each.
  const MOST_TABLES = 100, MOST_ROWS = 500, MOST_CELLS = 8, LONGEST_CELL = 200;
  const cell = (element) => (element.innerText ?? element.textContent ?? '').trim().slice(0, LONGEST_CELL);
  const tables = [];
  let heading = '';
  const found = document.querySelectorAll('h1, h2, h3, h4, h5, h6, caption, summary, table, dl');
  for (const element of found) {
    if (tables.length >= MOST_TABLES) break;
    if (element instanceof HTMLTableElement) {
      const rows = [];
      for (const row of element.rows) {
        if (rows.length >= MOST_ROWS) break;
        const cells = [...row.cells].slice(0, MOST_CELLS).map(cell);
        if (cells.some(Boolean)) rows.push(cells);
      }
      const caption = element.caption ? cell(element.caption) : '';
      // A table of two columns with the same words on the left of each block is a list of cards.
      if (rows.length > 1) tables.push({ heading: caption || heading, rows });
    } else if (element instanceof HTMLDListElement) {
      const names = [], values = [];
      for (const part of element.querySelectorAll(':scope > dt, :scope > dd, :scope > div > dt, :scope > div > dd')) {
        if (part.localName === 'dt' && names.length < MOST_CELLS) names.push(cell(part));
        if (part.localName === 'dd' && values.length < names.length) values.push(cell(part));
      }
      if (names.length > 1 && names.length === values.length) tables.push({ heading, rows: [names, values] });
    } else {
      heading = cell(element);
    }
  }
  const text = (document.body?.innerText ?? '').slice(0, 200000).toLowerCase();
  return { tables, text };
})()
