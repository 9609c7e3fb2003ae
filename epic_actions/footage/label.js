const query = location.search  // it holds the token, which every request needs
const $ = id => document.getElementById(id), fields = []
let clips = [], words = {}, entries = new Map(), prefix = ''
let here = 0, touched = false, sending = false, failed = false

// --- Saving. Each change stays in localStorage, under a key that names the folder and outlives the token, until the
// server has it: the server may be gone for a while, and the page may be closed in the meantime.

const unsent = () => Object.keys(localStorage).filter(k => k.startsWith(prefix))
  .map(k => JSON.parse(localStorage[k])).filter(e => clips.includes(e.uid) && fields.every(f => f.id in e)).sort((a, b) => a.at - b.at)

function set(e) {
  entries.delete(e.uid)
  entries.set(e.uid, e)
}

function change(state) {
  const e = {uid: clips[here], state, at: Date.now()}
  for (const f of fields) e[f.id] = f.value
  localStorage[prefix + e.uid] = JSON.stringify(e)
  set(e); paint(e.uid); count(); send()
}

async function post(batch) {
  const answer = await fetch('/labels' + query, {method: 'POST', body: JSON.stringify(batch)})
  if (answer.status == 403) throw new Error('The page was started again: open the address that it printed')
  if (!answer.ok) throw new Error(await answer.text())
  for (const e of batch) {
    if (localStorage[prefix + e.uid] === JSON.stringify(e)) delete localStorage[prefix + e.uid]
  }
}

async function send() {
  if (sending) return
  sending = true
  let problem = ''
  for (let batch; !problem && (batch = unsent().slice(0, 200)).length;) {
    try { await post(batch) }
    catch (error) { problem = error instanceof TypeError ? 'No connection' : error.message }
  }
  sending = false
  $('saved').textContent = problem ? `${problem} (${unsent().length} kept in this browser)` : 'all saved'
  $('saved').className = problem ? 'waits' : ''
  if (problem) setTimeout(send, 1000)
  else if (failed && $('video').hidden) show()  // the server was gone when the video was asked for
  failed = !!problem
}

// --- Words. Of those that begin with what is typed, the most used come first.

// By field, the place among the matching words; -1: as typed; undefined: the first, once anything is typed
const picked = {}

function matching(field) {
  const text = field.value.trim().toLowerCase(), uses = new Map(words[field.id].map(w => [w, 0]))
  for (const e of entries.values()) {
    if (e.state == 'done') uses.set(e[field.id], (uses.get(e[field.id]) || 0) + 1)
  }
  const same = w => w.toLowerCase() == text
  return [...uses.keys()].filter(w => w.toLowerCase().startsWith(text))
    .sort((a, b) => same(b) - same(a) || uses.get(b) - uses.get(a)).slice(0, 8)
}

const place = field => picked[field.id] ?? (field.value.trim() ? 0 : -1)
const choice = field => matching(field)[place(field)]

function element(tag, textContent, className = '') {
  return Object.assign(document.createElement(tag), {textContent, className})
}

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
    touched = true
    change('typing')
  }
  picked[field.id] = -1
  suggest(field)
}

function pick(field, step) {
  const n = matching(field).length, from = place(field)
  if (n) picked[field.id] = (from < 0 && step < 0 ? n - 1 : from + step + n) % n
  suggest(field)
}

// --- What is seen: the row of a segment in the list, the counts, and the segment itself

const stateOf = uid => entries.get(uid)?.state ?? ''
const labelOf = uid => {
  const e = entries.get(uid)
  if (!e || e.state == 'skipped') return stateOf(uid)
  return fields.map(f => e[f.id]).join(' ').trim() + (e.state == 'typing' ? ' ...' : '')
}

function paint(uid) {
  const row = $('list').children[clips.indexOf(uid)]
  row.className = stateOf(uid) + (clips[here] === uid ? ' here' : '')
  row.firstChild.textContent = labelOf(uid)
}

function count() {
  const n = state => [...entries.values()].filter(e => e.state == state).length
  const skipped = n('skipped') ? `, ${n('skipped')} skipped` : ''
  $('count').textContent = `${n('done')} of ${clips.length} labelled${skipped}`
  for (const state of ['done', 'skipped']) $(state).style.width = 100*n(state)/clips.length + '%'
}

function show() {
  $('video').hidden = false; $('sheet').hidden = true
  $('video').src = '/clip/' + encodeURIComponent(clips[here]) + query
}

$('video').onerror = () => {
  $('sheet').src = '/sheet/' + encodeURIComponent(clips[here]) + query
  $('video').hidden = true; $('sheet').hidden = false
}

function go(to) {
  const from = clips[here], uid = clips[here = Math.max(0, Math.min(to, clips.length - 1))]
  touched = false; fields.forEach(f => delete picked[f.id]); $('hint').textContent = ''
  for (const f of fields) f.value = entries.get(uid)?.[f.id] ?? ''
  show()
  $('name').textContent = `${here + 1} / ${clips.length} \u00a0 ${uid}`
  paint(from); paint(uid)
  $('list').children[here].scrollIntoView({block: 'nearest'})
  fields[0].focus(); fields[0].select(); fields.forEach(suggest)
}

function next() {
  const order = clips.map((_, k) => (here + 1 + k) % clips.length)
  const to = order.find(k => !['done', 'skipped'].includes(stateOf(clips[k])))
  go(to ?? here)
  if (to === undefined) $('hint').textContent = 'Every segment is labelled or skipped. The labels are in labels.csv.'
}

// --- Keys

function fault(field) {
  const first = field.value[0]
  const one = fields.length > 1 ? ' If one word is enough, start the page with --labels.' : ''
  if (!first) return `The ${field.id} is missing. Ctrl+Enter skips the segment.${one}`
  if ('=+-@'.includes(first)) return `The ${field.id} must not begin with ${first}: spreadsheets read it as a formula.`
}

function finish() {
  for (const f of fields) f.value = f.value.trim().replace(/\s+/g, ' ')
  const wrong = fields.find(fault)
  if (wrong) {
    wrong.focus()
    $('hint').textContent = fault(wrong)
  } else {
    change('done')
    next()
  }
}

function enter(field) {
  take(field)
  const after = fields[fields.indexOf(field) + 1]
  if (after && field.value.trim()) { after.focus(); after.select() }
  else finish()
}

function undo() {
  const last = [...entries.values()].reverse().find(e => e.state != 'typing')
  if (!last) $('hint').textContent = 'There is nothing to undo.'
  else { go(clips.indexOf(last.uid)); change('typing') }
}

function addField(name) {
  const label = $('field').content.firstElementChild.cloneNode(true), field = label.querySelector('input')
  label.querySelector('b').textContent = name[0].toUpperCase() + name.slice(1)
  field.id = name
  for (const part of ['ghost', 'words']) label.querySelector('.' + part).id = name + '-' + part
  field.oninput = () => {
    touched = true
    delete picked[field.id]
    $('hint').textContent = ''
    change('typing')
    suggest(field)
  }
  field.onfocus = field.onblur = () => suggest(field)
  document.querySelector('form').append(label)
  fields.push(field)
}

document.onkeydown = event => {
  const field = fields.find(f => f === document.activeElement), ctrl = event.ctrlKey || event.metaKey, key = event.key
  if (event.isComposing) return
  if (ctrl && key == 'Enter') { change('skipped'); next() }
  else if (ctrl && key == 'z' && !touched) undo()
  else if (key == 'PageDown') go(here + 1)
  else if (key == 'PageUp') go(here - 1)
  else if (field && !ctrl && key == 'Enter') enter(field)
  else if (field && key == 'ArrowDown') pick(field, 1)
  else if (field && key == 'ArrowUp') pick(field, -1)
  else if (field && key == 'Escape') { picked[field.id] = -1; suggest(field) }
  else {
    if (field && key == 'Tab') take(field)
    return
  }
  event.preventDefault()
}

document.querySelector('form').onsubmit = () => false

// --- The start: what the server knows, then what it has not got yet, then the first segment that is not finished

function listItem(uid, k) {
  const item = document.createElement('li')
  item.append(element('b', ''), element('span', uid))
  item.onclick = () => go(k)
  return item
}

async function start() {
  const state = await (await fetch('/state' + query)).json()
  clips = state.clips; words = state.words; prefix = `labels ${JSON.stringify(state.folder)} `
  Object.keys(words).forEach(addField)
  state.entries.forEach(set)
  unsent().forEach(set)
  $('folder').textContent = document.title = state.folder.split(/[\\/]/).pop()
  $('list').replaceChildren(...clips.map(listItem))
  here = clips.length - 1
  clips.forEach(paint)
  count(); next(); send()
}

start()
