let clips = [], entries = new Map(), here = 0, touched = false

function set(e) {
  entries.delete(e.uid)
  entries.set(e.uid, e)
}

function change(state) {
  const e = {uid: clips[here], state, at: Date.now()}
  for (const f of fields) e[f.id] = f.value
  set(e); paint(e.uid); count(); keep(e)
}

const page = {
  address: '/labels',
  fits: e => clips.includes(e.uid) && fields.every(f => f.id in e),
  back: () => $('video').hidden && show(),  // the server was gone when the video was asked for
  used: field => [...entries.values()].filter(e => e.state == 'done').map(e => e[field.id]),
  typed() { touched = true; change('typing') },
  finish() {
    for (const f of fields) f.value = f.value.trim().replace(/\s+/g, ' ')
    const wrong = fields.find(fault)
    if (wrong) { wrong.focus(); $('hint').textContent = fault(wrong) }
    else { change('done'); next() }
  },
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
  const one = fields.length > 1 ? ' If one word is enough, start the page with --labels.' : ''
  if (!field.value) return `The ${field.id} is missing. Ctrl+Enter skips the segment.${one}`
  return formula(field.id, field.value)
}

function undo() {
  const last = [...entries.values()].reverse().find(e => e.state != 'typing')
  if (!last) $('hint').textContent = 'There is nothing to undo.'
  else { go(clips.indexOf(last.uid)); change('typing') }
}

document.onkeydown = event => {
  const field = fields.find(f => f === document.activeElement), ctrl = event.ctrlKey || event.metaKey, key = event.key
  if (event.isComposing) return
  if (ctrl && key == 'Enter') { change('skipped'); next() }
  else if (ctrl && key == 'z' && !touched) undo()
  else if (key == 'PageDown') go(here + 1)
  else if (key == 'PageUp') go(here - 1)
  else if (!field || ctrl || !fieldKey(field, key)) {
    if (field && key == 'Tab') take(field)
    return
  }
  event.preventDefault()
}

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
