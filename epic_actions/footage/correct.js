let videos = [], v = null, selected = null, now = 0, start = null, unsure = 0
let view = {from: 0, to: 1}, drag = null, stopAt = null, lanes = new Map(), laneHeight = 38, last = 0

const ms = t => Math.round(1000*t)/1000
const snap = t => ms(clamp(Math.round(t*v.fps)/v.fps, 0, v.duration))  // to the beginning of a frame
const wordsOf = s => fields.map(f => s[f.id]).join(' ').trim()
const isUnsure = s => s.score !== null && s.score < unsure
const ordered = () => [...v.segments].sort(([, a], [, b]) => a.start - b.start || a.stop - b.stop).map(([key]) => key)
const say = text => { $('hint').textContent = text ?? '' }

// --- Changes. What a video holds follows from its changes, here as on the server; from them is known what to undo.

function apply(video, change) {
  const {kind, set} = change
  const again = kind == 'typing' && video.last?.kind == 'typing' && video.last.set[0][0] == set[0][0]
  if (kind == 'begin') Object.assign(video, {segments: new Map(), made: [], undone: []})
  const back = {done: video.done, set: set.map(([key]) => [key, video.segments.get(key) ?? null])}
  for (const [key, s] of set) s ? video.segments.set(key, s) : video.segments.delete(key)
  Object.assign(video, {done: change.done, base: change.uid, last: change})
  if (kind == 'undo') { video.made.pop(); video.undone.push(back) }
  else if (kind == 'redo') { video.undone.pop(); video.made.push(back) }
  else if (kind != 'begin') { video.undone = []; if (!again) video.made.push(back) }  // typed letters are one step
}

function edit(set, kind = 'edit', done = false) {
  const uid = crypto.randomUUID(), change = {uid, video: v.name, base: v.base, kind, done, set}
  last = change.at = Math.max(Date.now(), last + 1)  // in the order in which they were made
  apply(v, change)
  say()
  keep(change)
}

function restore(steps, kind) {
  const step = steps.at(-1)
  if (!step) return say(`There is nothing to ${kind}.`)
  edit(step.set, kind, step.done)
  const found = step.set.find(([key, s]) => s)
  select(found ? found[0] : null, true)
}

const moved = (s, start, stop) => ({...s, start: ms(start), stop: ms(stop), score: null})
const newKey = () => 'k' + Math.random().toString(36).slice(2)

function add(from, to) {
  const s = {start: ms(from), stop: ms(to), score: null}, key = newKey()
  for (const f of fields) s[f.id] = ''
  edit([[key, s]])
  select(key)
  fields[0].focus()
}

const page = {
  address: '/changes',
  fits: e => videos.some(video => video.name == e.video),
  back: () => $('video').hidden && load(),  // the server was gone when the video was asked for
  used: field => videos.flatMap(video => [...video.segments.values()])
    .filter(s => s !== v.segments.get(selected) && s[field.id].trim()).map(s => s[field.id]),
  typed(field) {
    const s = v.segments.get(selected)
    if (!s) return
    edit([[selected, {...s, [field.id]: field.value, score: null}]], 'typing')
    draw()
  },
  finish() {
    for (const f of fields) f.value = f.value.trim().replace(/\s+/g, ' ')
    const wrong = fields.find(f => fault(f.id, f.value)), s = v.segments.get(selected)
    if (wrong) { wrong.focus(); return say(fault(wrong.id, wrong.value)) }
    if (fields.some(f => s[f.id] != f.value) || s.score !== null) {
      edit([[selected, Object.assign({...s, score: null}, ...fields.map(f => ({[f.id]: f.value})))]], 'typing')
    }
    document.activeElement.blur()
    draw()
  },
  async refused(batch, text) {  // what was made on top of it is not valid either
    await fetchState(batch[0].video)
    go(v.name)
    say(text)
  },
}

function fault(name, word) {
  return word.trim() ? formula(name, word.trim()) : `The ${name} is missing. Del removes the segment.`
}

// --- What is seen

// Segments that overlap are in different lanes; while one is dragged, they stay where they are
function layLanes() {
  if (drag) return
  const ends = []
  lanes = new Map()
  for (const key of ordered()) {
    const s = v.segments.get(key), free = ends.findIndex(end => end <= s.start + .0005)
    const lane = free < 0 ? ends.length : free
    ends[lane] = s.stop
    lanes.set(key, lane)
  }
  laneHeight = clamp(152/ends.length, 16, 38)
  $('lanes').style.height = laneHeight*Math.max(ends.length, 1) + 10 + 'px'
}

function color(s) {
  const label = wordsOf(s), typing = fields.includes(document.activeElement) && s === v.segments.get(selected)
  if (!label || typing) return 'hsl(210 8% 80%)'
  return hue(label)
}

const score = s => s.score === null ? '' : s.score.toFixed(2)
const kindOf = key => (isUnsure(v.segments.get(key)) ? 'unsure ' : '') + (key == selected ? 'here ' : '') +
  (wordsOf(v.segments.get(key)) ? '' : 'empty')

function block([key, s]) {
  const b = element('div', '', 'segment ' + kindOf(key))
  b.append(element('i', '', 'start'), element('span', wordsOf(s) || '?'), element('em', score(s)),
           element('i', '', 'stop'))
  b.dataset.key = key
  b.title = `${clock(s.start)} to ${clock(s.stop)} ${wordsOf(s)}` + (s.score === null ? '' : `, score ${score(s)}`)
  b.style.background = color(s)
  b.style.top = laneHeight*(lanes.get(key) ?? 0) + 5 + 'px'
  b.style.height = laneHeight - 4 + 'px'
  return put(b, s.start, s.stop, view)
}

function drawTrack() {
  const seen = [...v.segments].filter(([, s]) => s.stop > view.from && s.start < view.to)
  $('lanes').replaceChildren(...seen.map(block))
  const room = $('axis').clientWidth/(view.to - view.from)  // pixels a second
  $('axis').replaceChildren(...ticks(view, room))
  put($('window'), view.from, view.to, whole())
  drawCursor()
}

function drawCursor() {
  put($('cursor'), now, null, view)
  put($('mark'), now, null, whole())
  $('cursor').hidden = now < view.from || now > view.to
  $('from').hidden = start === null
  if (start !== null) put($('from'), Math.min(start, now), Math.max(start, now), view)
  $('clock').textContent = `${clock(now)} / ${clock(v.duration)}`
}

const whole = () => ({from: 0, to: v.duration})

function bar([key, s]) {
  const b = element('i', '', kindOf(key))
  b.style.background = isUnsure(s) ? '' : color(s)
  return put(b, s.start, s.stop, whole())
}

function segmentRow(key) {
  const s = v.segments.get(key), row = element('li', '', kindOf(key)), dot = element('i', '')
  dot.style.background = color(s)
  row.append(dot, element('b', wordsOf(s) || '?'), element('em', score(s)), element('span', clock(s.start, 1)))
  row.onclick = () => select(key, true)
  return row
}

function videoRow(video) {
  const row = element('li', '', (video.done ? 'done ' : '') + (video === v ? 'here' : ''))
  const open = [...video.segments.values()].filter(isUnsure).length
  const state = video.done ? 'done' : open ? `${open} unsure` : ''
  row.append(element('b', video.name.split('/').pop()), element('span', state))
  row.title = video.name
  row.onclick = () => go(video.name)
  return row
}

function drawTimes() {
  const s = v.segments.get(selected)
  $('times').textContent = s ? `${clock(s.start)} \u2013 ${clock(s.stop)}` : 'No segment is selected'
  if (s) $('times').append(element('span', `${(s.stop - s.start).toFixed(3)} s`))
  if (s && s.score !== null) $('times').append(element('em', `score ${score(s)}`, isUnsure(s) ? 'unsure' : ''))
}

function draw() {
  layLanes()
  drawTrack()
  drawTimes()
  const s = v.segments.get(selected), n = videos.filter(video => video.done).length
  $('bars').replaceChildren(...[...v.segments].map(bar))
  $('segments').replaceChildren(...ordered().map(segmentRow))
  $('videos').replaceChildren(...videos.map(videoRow))
  for (const list of ['segments', 'videos']) $(list).querySelector('.here')?.scrollIntoView({block: 'nearest'})
  $('count').textContent = `${n} of ${videos.length} ${videos.length == 1 ? 'video' : 'videos'} done`
  $('done').style.width = 100*n/videos.length + '%'
  for (const f of fields) {
    if (f.value.trim() != (s?.[f.id] ?? '').trim() || f.disabled != !s) f.value = s?.[f.id] ?? ''
    f.disabled = !s
    suggest(f)
  }
}

// --- Time

function seek(t) {
  now = ms(clamp(t, 0, v.duration))
  stopAt = null
  if ($('video').hidden) drawFrame()
  else $('video').currentTime = now + .0005  // within the frame that begins here
  if (now < view.from || now > view.to) look(now - (view.to - view.from)/2, view.to - view.from)
  else drawCursor()
}

function look(from, length) {
  length = clamp(length, Math.min(.5, v.duration), v.duration)
  from = clamp(from, 0, v.duration - length)
  view = {from, to: from + length}
  drawTrack()
}

function zoom(by, at = now) {
  const length = clamp((view.to - view.from)*by, Math.min(.5, v.duration), v.duration)
  look(at - (at - view.from)*length/(view.to - view.from), length)
}

let frameAt = -1, loading = false, timer = null
function drawFrame() {  // of a video that the browser does not play: single pictures, one after the other
  if (loading || frameAt == now) return
  loading = true
  frameAt = now
  $('frame').src = `/frame/${encodeURIComponent(v.name)}${query}&t=${now}`
}
$('frame').onload = $('frame').onerror = () => { loading = false; drawFrame() }

function pause() {
  $('video').pause()
  clearInterval(timer)
  timer = null
}

function play(until = null) {
  if (until === null && (timer || !$('video').paused)) { pause(); return seek(Math.floor(now*v.fps + .01)/v.fps) }
  if ($('video').hidden) { clearInterval(timer); timer = setInterval(() => { now += .2; follow(); drawFrame() }, 200) }
  else $('video').play()
  stopAt = until
}

function follow() {
  now = ms(clamp(now, 0, v.duration))
  if (now >= (stopAt ?? v.duration)) { pause(); if (stopAt !== null) seek(stopAt) }
  if (now > view.to) look(now - .1*(view.to - view.from), view.to - view.from)
  drawCursor()
}

function tick() {
  if (!$('video').paused && !$('video').seeking) { now = $('video').currentTime; follow() }
  requestAnimationFrame(tick)
}

$('video').onerror = () => { $('video').hidden = true; $('frame').hidden = false; frameAt = -1; drawFrame() }
$('stage').onclick = () => play()

// --- Keys; they are those of the help line, where a click does the same

function select(key, there = false) {
  if (document.activeElement !== document.body) document.activeElement.blur()
  selected = v.segments.has(key) ? key : null
  const s = v.segments.get(selected)
  if (s && there) { pause(); seek(s.start) }
  if (s && there && s.stop > view.to) look(s.start - .1*(view.to - view.from), view.to - view.from)
  draw()
}

function step(by) {
  const keys = ordered(), at = keys.indexOf(selected), after = keys.findIndex(k => v.segments.get(k).start > now)
  const to = at >= 0 ? at + by : after < 0 ? keys.length - 1 : after - (by < 0)
  select(keys[clamp(to, 0, keys.length - 1)], true)
}

function nextUnsure() {
  const keys = ordered(), at = keys.indexOf(selected), open = k => isUnsure(v.segments.get(k))
  const key = keys.slice(at + 1).find(open) ?? keys.find(open)
  if (key !== undefined) select(key, true)
  else { draw(); say('No unsure segment is left in this video. Ctrl+Enter marks it as done.') }
}

// Give the selected segment the start and stop that `ends` says
function adjust(ends) {
  const s = v.segments.get(selected)
  if (!s) return say('Select a segment first.')
  const [start, stop] = ends(s)
  if (start < 0 || stop > v.duration || stop - start < .001) {
    return say('A segment must begin before it ends, and be within the video.')
  }
  edit([[selected, moved(s, start, stop)]])
  pause()
  seek(start != s.start ? start : Math.max(stop - 1/v.fps, start))  // its last frame is the one before its end
  draw()
}

const shift = (t, by, coarse) => coarse ? ms(t + .1*by) : snap(Math.round(t*v.fps + by)/v.fps)
const within = (start, stop, s) => {  // moved as a whole, but not out of the video
  const by = clamp(start - s.start, -s.start, v.duration - s.stop)
  return [s.start + by, s.stop + by]
}

const actions = {
  ' ': () => play(),
  'p'() { const s = v.segments.get(selected); if (s) { seek(s.start); play(s.stop) } },
  'ArrowLeft': more => { pause(); seek(more ? now - 1 : snap(now - 1/v.fps)) },
  'ArrowRight': more => { pause(); seek(more ? now + 1 : snap(now + 1/v.fps)) },
  'ArrowUp': () => step(-1),
  'ArrowDown': () => step(1),
  'u': nextUnsure,
  'c'() {
    const s = v.segments.get(selected)
    if (s && isUnsure(s)) edit([[selected, {...s, score: null}]])
    nextUnsure()
  },
  'Enter'() { if (selected) { fields[0].focus(); fields[0].select() } },
  'b': () => adjust(s => [snap(now), s.stop]),
  'e': () => adjust(s => [s.start, snap(now)]),
  'a': more => adjust(s => [shift(s.start, -1, more), s.stop]),
  's': more => adjust(s => [shift(s.start, 1, more), s.stop]),
  'd': more => adjust(s => [s.start, shift(s.stop, -1, more)]),
  'f': more => adjust(s => [s.start, shift(s.stop, 1, more)]),
  'g': more => adjust(s => within(s.start - (more ? .1 : 1/v.fps), s.stop, s)),
  'h': more => adjust(s => within(s.start + (more ? .1 : 1/v.fps), s.stop, s)),
  'i'() { start = snap(now); drawCursor(); say('A new segment begins here. Press O where it ends.') },
  'o'() {
    const from = start
    start = null
    drawCursor()
    if (from === null || from >= snap(now)) return say('Press I where the action begins, then O where it ends.')
    pause()
    add(from, snap(now))
  },
  'x'() {
    const s = v.segments.get(selected), at = snap(now), key = newKey()
    if (!s || at <= s.start || at >= s.stop) return say('Select a segment, and go to the time at which to split it.')
    edit([[selected, moved(s, s.start, at)], [key, moved(s, at, s.stop)]])
    select(key)
  },
  'm'() {
    const keys = ordered(), other = keys[keys.indexOf(selected) + 1]
    const s = v.segments.get(selected), t = v.segments.get(other)
    if (!s || !t) return say('Select a segment that is not the last.')
    edit([[selected, moved(s, s.start, Math.max(s.stop, t.stop))], [other, null]])
    draw()
  },
  'Delete'() {
    const keys = ordered(), at = keys.indexOf(selected)
    if (at < 0) return
    edit([[selected, null]])
    select(keys[at + 1] ?? keys[at - 1])
  },
  'Ctrl+z': () => restore(v.made, 'undo'),
  'Ctrl+y': () => restore(v.undone, 'redo'),
  '-': () => zoom(1.5),
  '+': () => zoom(1/1.5),
  '0': () => look(0, v.duration),
  'PageUp': () => go(videos[videos.indexOf(v) - 1]?.name),
  'PageDown': () => go(videos[videos.indexOf(v) + 1]?.name),
  'Ctrl+Enter': finish,
  'Escape'() { drag = null; start = null; draw() },
}
Object.assign(actions, {'=': actions['+'], 'Backspace': actions['Delete'], 'Ctrl+Z': actions['Ctrl+y']})

function finish() {
  const key = ordered().find(key => fields.some(f => fault(f.id, v.segments.get(key)[f.id])))
  if (key !== undefined) {
    select(key, true)
    const wrong = fields.find(f => fault(f.id, f.value))
    wrong.focus()
    return say(fault(wrong.id, wrong.value))
  }
  edit([], 'done', true)
  const order = [...videos.slice(videos.indexOf(v)), ...videos], next = order.find(video => !video.done)
  if (next) go(next.name)
  else { draw(); say('Every video is done. The table is written.') }
}

document.onkeydown = event => {
  const field = fields.find(f => f === document.activeElement), ctrl = event.ctrlKey || event.metaKey
  const shifted = ctrl && event.shiftKey && event.key.toLowerCase() == 'z'
  const key = (ctrl ? 'Ctrl+' : '') + (shifted ? 'Z' : event.key.length == 1 ? event.key.toLowerCase() : event.key)
  if (event.isComposing || event.altKey) return
  if (field && !ctrl && !key.startsWith('Page')) {
    if (key == 'Escape') { fieldKey(field, key); field.blur() }
    else if (key == 'Tab' ? take(field) || true : !fieldKey(field, key)) return
  }
  else if (actions[key]) { actions[key](event.shiftKey) }
  else return
  event.preventDefault()
}

document.querySelector('footer').onclick = event => {
  const key = event.target.dataset.key
  if (key) actions[key](event.shiftKey)
}

// --- The mouse. A drag on a segment moves it, or one of its ends; a drag on nothing makes a new one.

const timeAt = (event, area, within) => {
  const {left, width} = area.getBoundingClientRect()
  return within.from + (event.clientX - left)/width*(within.to - within.from)
}

function near(t, key) {  // the end of another segment within 5 pixels, or the nearest frame
  const reach = 5/$('axis').clientWidth*(view.to - view.from)
  const ends = [...v.segments].flatMap(([k, s]) => k == key ? [] : [s.start, s.stop])
  return ends.find(end => Math.abs(end - t) < reach) ?? snap(t)
}

function dragged(event) {
  const {key, edge, from, old} = drag, t = clamp(timeAt(event, $('lanes'), view), 0, v.duration), frame = 1/v.fps
  if (!key) return [Math.min(near(from), near(t)), Math.max(near(from), near(t))]
  if (edge == 'start') return [Math.min(near(t, key), Math.max(0, snap(old.stop - frame))), old.stop]
  if (edge == 'stop') return [old.start, Math.max(near(t, key), snap(old.start + frame))]
  return within(near(old.start + t - from, key), old.stop, old)
}

$('lanes').onpointerdown = event => {
  if (event.button) return
  const key = event.target.closest('.segment')?.dataset.key, from = timeAt(event, $('lanes'), view)
  drag = {key, edge: event.target.className, from, x: event.clientX, old: v.segments.get(key)}
  $('lanes').setPointerCapture(event.pointerId)
  if (key) { selected = key; draw() }
}

$('lanes').onpointermove = event => {
  if (!drag || !drag.moved && Math.abs(event.clientX - drag.x) < 3) return
  pause()
  drag.moved = true
  const [from, to] = dragged(event), {key, old, edge} = drag
  if (key) v.segments.set(key, moved(old, from, to))
  drawTrack()
  drawTimes()
  if (!key) $('lanes').append(put(element('div', '', 'segment new'), from, to, view))
  if (key) v.segments.set(key, old)
  seek(!key || edge == 'stop' ? Math.max(to - 1/v.fps, from) : from)
}

$('lanes').onpointerup = event => {
  if (!drag) return
  const {key, moved: far, old} = drag, [from, to] = dragged(event), t = timeAt(event, $('lanes'), view)
  drag = null
  if (!far) { select(key); seek(snap(t)) }
  else if (key) { edit([[key, moved(old, from, to)]]); draw() }
  else if (to - from >= .001) add(from, to)
}
$('lanes').onpointercancel = () => { drag = null; draw() }
$('lanes').ondblclick = event => {
  if (document.elementFromPoint(event.clientX, event.clientY).closest('.segment')) actions['Enter']()
}

function scrub(area, to) {
  area.onpointerdown = event => { area.setPointerCapture(event.pointerId); area.onpointermove = to; to(event) }
  area.onpointerup = area.onpointercancel = () => { area.onpointermove = null }
}
scrub($('axis'), event => { pause(); seek(snap(timeAt(event, $('axis'), view))) })
scrub($('overview'), event => {
  const length = view.to - view.from, t = timeAt(event, $('overview'), whole())
  if (length < v.duration) look(t - length/2, length)
  pause()
  seek(snap(t))
})

$('timeline').addEventListener('wheel', event => {
  event.preventDefault()
  const length = view.to - view.from
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    look(view.from + (event.deltaX || event.deltaY)/$('axis').clientWidth*length, length)
  } else zoom(1.002**event.deltaY, timeAt(event, $('axis'), view))
}, {passive: false})
window.onresize = () => draw()
window.onpagehide = () => { if (v) sessionStorage[prefix] = JSON.stringify({name: v.name, selected, now}) }

// --- The start: what the server knows, then what it has not got yet, then where the user was

function load() {
  pause()
  $('video').hidden = false
  $('frame').hidden = true
  $('video').src = '/video/' + encodeURIComponent(v.name) + query
  seek(now)
}

function go(name, at = 0, key = null) {
  const video = videos.find(video => video.name == name)
  if (!video) return
  const other = !v || v.name != name
  v = video
  start = drag = null
  if (other) { now = at; view = {from: 0, to: Math.min(v.duration, 60)}; load() }
  select(other ? key : selected)
  say()
}

async function fetchState(refused) {
  const state = await (await fetch('/state' + query)).json()
  prefix = `timelines ${JSON.stringify(state.folder)} `
  words = state.words
  unsure = state.unsure
  if (!fields.length) Object.keys(words).forEach(addField)
  videos = state.videos
  for (const e of unsent()) if (e.video == refused) delete localStorage[prefix + e.uid]
  for (const video of videos) {
    const known = new Set(video.changes.map(c => c.uid))
    video.changes.forEach(c => apply(video, c))
    for (const c of unsent()) if (c.video == video.name && c.base == video.base && !known.has(c.uid)) apply(video, c)
  }
  v = v && videos.find(video => video.name == v.name)
  $('folder').textContent = document.title = state.folder.split(/[\\/]/).pop()
}

async function begin() {
  await fetchState()
  const was = JSON.parse(sessionStorage[prefix] ?? '{}'), there = videos.some(video => video.name == was.name)
  if (there) go(was.name, was.now, was.selected)
  else go((videos.find(video => !video.done) ?? videos[0]).name)
  send()
  tick()
}

begin()
