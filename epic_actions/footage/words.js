// What pages that take labels share: saving, and fields with words that complete themselves. What a page does in its own
// way stands in its `page`: address, fits, refused, back, used, typed, finish.

const fields = []
let words = {}, prefix = '', sending = false, failed = false

// --- Saving. Each change stays in localStorage, under a key that names the folder and outlives the token, until the
// server has it: the server may be gone for a while, and the page may be closed in the meantime.

const unsent = () => Object.keys(localStorage).filter(k => k.startsWith(prefix))
  .map(k => JSON.parse(localStorage[k])).filter(e => page.fits(e)).sort((a, b) => a.at - b.at)

function keep(e) {
  localStorage[prefix + e.uid] = JSON.stringify(e)
  send()
}

async function post(batch) {
  const answer = await fetch(page.address + query, {method: 'POST', body: JSON.stringify(batch)})
  if (answer.status == 403) throw new Error('The page was started again: open the address that it printed')
  if (answer.status == 400 && page.refused) return page.refused(batch, await answer.text())
  if (!answer.ok) throw new Error(await answer.text())
  for (const e of batch) {
    if (localStorage[prefix + e.uid] === JSON.stringify(e)) delete localStorage[prefix + e.uid]
  }
}

async function send() {
  if (sending) return
  sending = true
  let problem = ''
  for (let waiting; !problem && (waiting = unsent()).length;) {
    try { await post(waiting.filter(e => e.video == waiting[0].video).slice(0, 200)) }
    catch (error) { problem = error instanceof TypeError ? 'No connection' : error.message }
  }
  sending = false
  $('saved').textContent = problem ? `${problem} (${unsent().length} kept in this browser)` : 'all saved'
  $('saved').className = problem ? 'waits' : ''
  if (problem) setTimeout(send, 1000)
  else if (failed) page.back()
  failed = !!problem
}

// --- Words. Of those that begin with what is typed, the most used come first.

// By field, the place among the matching words; -1: as typed; undefined: the first, once anything is typed
const picked = {}

function matching(field) {
  const text = field.value.trim().toLowerCase(), uses = new Map(words[field.id].map(w => [w, 0]))
  for (const word of page.used(field)) uses.set(word, (uses.get(word) || 0) + 1)
  const same = w => w.toLowerCase() == text
  return [...uses.keys()].filter(w => w.toLowerCase().startsWith(text))
    .sort((a, b) => same(b) - same(a) || uses.get(b) - uses.get(a)).slice(0, 8)
}

const place = field => picked[field.id] ?? (field.value.trim() ? 0 : -1)
const choice = field => matching(field)[place(field)]

function suggest(field) {
  const found = matching(field), word = choice(field), row = $(field.id + '-words'), ghost = $(field.id + '-ghost')
  row.replaceChildren(...found.map(w => element('span', w, w === word ? 'picked' : '')))
  if (field.value.trim() && !found.length) row.append(element('span', 'a new word', 'new'))
  ghost.textContent = field.value
  if (word && document.activeElement === field && word.toLowerCase().startsWith(field.value.toLowerCase())) {
    ghost.append(element('i', word.slice(field.value.length)))
  }
}

function take(field) {
  const word = choice(field)
  if (word !== undefined && word !== field.value) {
    field.value = word
    page.typed(field)
  }
  picked[field.id] = -1
  suggest(field)
}

function pick(field, step) {
  const n = matching(field).length, from = place(field)
  if (n) picked[field.id] = (from < 0 && step < 0 ? n - 1 : from + step + n) % n
  suggest(field)
}

function enter(field) {
  take(field)
  const after = fields[fields.indexOf(field) + 1]
  if (after && field.value.trim()) { after.focus(); after.select() }
  else page.finish()
}

function formula(name, word) {
  if ('=+-@'.includes(word[0])) return `The ${name} must not begin with ${word[0]}: spreadsheets read it as a formula.`
}

function fieldKey(field, key) {
  if (key == 'Enter') enter(field)
  else if (key == 'ArrowDown') pick(field, 1)
  else if (key == 'ArrowUp') pick(field, -1)
  else if (key == 'Escape') { picked[field.id] = -1; suggest(field) }
  else return false
  return true
}

function addField(name) {
  const field = Object.assign(element('input', ''), {id: name, spellcheck: false, autocapitalize: 'off'})
  const ghost = Object.assign(element('span', '', 'ghost'), {id: name + '-ghost'})
  const box = element('span', '', 'field'), row = Object.assign(element('span', '', 'words'), {id: name + '-words'})
  const label = element('label', '')
  box.append(ghost, field)
  label.append(element('b', name[0].toUpperCase() + name.slice(1)), box, row)
  field.oninput = () => {
    delete picked[field.id]
    $('hint').textContent = ''
    page.typed(field)
    suggest(field)
  }
  field.onfocus = field.onblur = () => suggest(field)
  document.querySelector('form').append(label)
  fields.push(field)
}

document.querySelector('form').onsubmit = () => false
