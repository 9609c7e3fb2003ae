// Tables are sorted by a click on a heading. Numbers are compared as numbers; missing ones stay at the end.
const valueAt = column => row => {
  const cell = row.cells[column], number = cell.dataset.v
  return number === undefined ? cell.textContent : number === '' ? null : +number
}

function order(value, up) {
  return (a, b) => {
    const x = value(a), y = value(b)
    if (x === null || y === null) return (x === null) - (y === null)
    const difference = typeof x === 'number' ? x - y : x.localeCompare(y)
    return up ? difference : -difference
  }
}

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0]
  heads.forEach((head, i) => head.querySelector('button').addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') !== 'ascending'
    body.append(...[...body.rows].sort(order(valueAt(i), up)))
    heads.forEach(h => h.removeAttribute('aria-sort'))
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending')
  }))
}
