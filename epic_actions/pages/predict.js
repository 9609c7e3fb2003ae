// The page shows what a model says of a video, while it is computed and while it is played.

const shownCurves = 6, live = 60  // curves of a target; seconds of a camera that are shown
const names = {
  csv: 'Table', json: 'JSON', srt: 'Subtitles', png: 'Timeline', mp4: 'Video', gif: 'GIF', npz: 'Raw predictions',
}
let model = null, video = null, answers = [], segments = [], until = 0, now = 0, camera = null, stream = null

const api = (path, more = '') => `/api${path}${query}${more}`
const share = (target, x) => model.calibrated.includes(target) ? `${Math.round(100*x)}%` : x.toFixed(2)
const said = (text, failed = false) => { $('state').textContent = text; $('state').className = failed ? 'failed' : '' }
const view = () => camera ? {from: Math.max(0, video.duration - live), to: Math.max(video.duration, live)}
                          : {from: 0, to: video.duration}

async function ask(path, options) {
  let answer
  try { answer = await fetch(api(path), options) }
  catch { throw new Error('The server does not respond. Is it still running?') }
  if (answer.status == 403) throw new Error('The server was restarted: open the address that it printed.')
  if (!answer.ok) throw new Error((await answer.json()).error)
  return answer
}

// --- What is seen at a time

function at(t) {  // the answer that is nearest; answers are in order
  let low = 0, high = answers.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (answers[middle + 1].time + answers[middle].time > 2*t) high = middle
    else low = middle + 1
  }
  return answers[low]
}

function answerRow(target, [label, x]) {
  const row = element('div', '', 'answer' + (x < .05 ? ' low' : '')), bar = element('i', '')
  bar.style.width = `calc(${x}*(100% - 52px))`
  bar.style.background = hue(label)
  row.append(bar, element('b', label), element('span', share(target, x)))
  return row
}

function drawNow() {
  const answer = answers.length && now <= until + 1 ? at(now) : null, parts = []
  const rows = Object.keys(model.classes).length > 1 ? 3 : 5
  for (const target of model.reads == 'segments' ? [] : Object.keys(model.classes)) {
    const head = element('h2', target)
    head.append(element('span', model.calibrated.includes(target) ? 'probability' : 'score'))
    const best = answer ? Object.entries(answer.scores[target]).sort((a, b) => b[1] - a[1]).slice(0, rows) : []
    parts.push(head, ...best.map(pair => answerRow(target, pair)))
    if (!best.length) parts.push(element('div', 'not computed yet', 'answer low'))
  }
  $('now').replaceChildren(...parts)
}

function drawCursor() {
  put($('cursor'), now, null, view())
  $('clock').textContent = camera ? clock(now, 1) : `${clock(now, 1)} / ${clock(video.duration, 1)}`
  for (const row of $('segments').children) row.classList.toggle('here', row.start <= now && now < row.end)
  drawNow()
}

// --- The timeline

function curves(canvas, target) {
  const within = view(), scale = devicePixelRatio, w = canvas.clientWidth, h = canvas.clientHeight
  canvas.width = w*scale
  canvas.height = h*scale
  const pen = canvas.getContext('2d'), best = new Map()
  pen.scale(scale, scale)
  for (const a of answers) for (const [label, x] of Object.entries(a.scores[target])) {
    best.set(label, Math.max(x, best.get(label) ?? 0))
  }
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const top = [...best].sort((a, b) => b[1] - a[1]).slice(0, shownCurves).reverse()
  const every = Math.max(1, Math.floor(answers.length/(2*w)))  // a pixel shows no more than that
  for (const [label] of top) {
    pen.beginPath()
    const to = (a, t) => pen.lineTo((t - within.from)/(within.to - within.from)*w,
                                    h - 4 - (a.scores[target][label] ?? 0)*(h - 24))
    answers.forEach((a, k) => { if (k % every == 0) to(a, a.time) })
    if (video.done) to(answers.at(-1), video.duration)
    pen.strokeStyle = hue(label, dark ? 62 : 48)
    pen.lineWidth = 1.8
    pen.stroke()
  }
}

function block(s) {
  const b = element('div', '', 'segment'), label = `${clock(s.start, 1)} to ${clock(s.end, 1)} ${s.label}`
  b.append(element('span', s.label), element('em', share(s.target, s.score)))
  b.style.background = hue(s.label)
  b.title = `${label}, ${share(s.target, s.score)}`
  b.onclick = event => { event.stopPropagation(); seek(s.start) }
  return put(b, s.start, s.end, view())
}

function targetRow(target) {
  const box = element('div', '', 'target'), row = element('div', '', 'row')
  const canvas = document.createElement('canvas')
  if (model.reads != 'segments') box.append(canvas)
  row.append(...segments.filter(s => s.target == target && s.end > view().from).map(block))
  box.append(row, element('span', target, 'name'))
  return box
}

function segmentRow(s) {
  const row = element('li', ''), dot = element('i', '')
  dot.style.background = hue(s.label)
  row.append(dot, element('b', s.label), element('em', share(s.target, s.score)),
             element('span', `${clock(s.start, 1)} \u2013 ${clock(s.end, 1)}`))
  Object.assign(row, {start: s.start, end: s.end, onclick: () => seek(s.start)})
  return row
}

function draw() {
  if (!video) return
  const room = $('axis').clientWidth/(view().to - view().from), shown = [...segments].sort((a, b) => a.start - b.start)
  $('axis').replaceChildren(...ticks(view(), room))
  $('targets').replaceChildren(...Object.keys(model.classes).map(targetRow))
  if (model.reads != 'segments') {
    const boxes = document.querySelectorAll('.target canvas')
    Object.keys(model.classes).forEach((target, k) => curves(boxes[k], target))
  }
  $('segments').replaceChildren(...shown.map(segmentRow))
  if (!shown.length) $('segments').append(element('li', video.done ? 'Nothing was found.' : '\u2026', 'none'))
  $('found').textContent = camera ? 'Seen so far' : shown.length ? `Segments: ${shown.length}` : 'Segments'
  put($('todo'), Math.min(until, view().to), null, view())
  drawCursor()
}

let drawn = false
function soon() {  // at most once for each picture of the screen
  if (!drawn) requestAnimationFrame(() => { drawn = false; draw() })
  drawn = true
}

// --- Playing

function seek(t) {
  if (!video || camera) return
  now = clamp(t, 0, video.duration)
  if ($('video').hidden) drawFrame()
  else $('video').currentTime = now
  drawCursor()
}

let loading = false, frameAt = -1
function drawFrame() {  // of a video that the browser does not play
  if (loading || frameAt == now) return
  loading = true
  frameAt = now
  $('frame').src = api(`/videos/${video.id}/frame`, `&t=${now}`)
}
$('frame').onload = $('frame').onerror = () => { loading = false; drawFrame() }
$('video').onerror = () => {
  if (!video || camera || !$('video').getAttribute('src')) return
  $('video').hidden = true
  $('frame').hidden = false
  frameAt = -1
  drawFrame()
}

function tick() {
  if (video && !camera && !$('video').paused && !$('video').seeking) { now = $('video').currentTime; drawCursor() }
  requestAnimationFrame(tick)
}

const play = () => { if (video && !camera && !$('video').hidden) $('video')[$('video').paused ? 'play' : 'pause']() }
$('stage').onclick = play
document.onkeydown = event => {
  if (!video || event.target.tagName == 'BUTTON' || event.ctrlKey || event.metaKey) return
  if (event.key == ' ') play()
  else if (event.key == 'ArrowLeft') seek(now - 1)
  else if (event.key == 'ArrowRight') seek(now + 1)
  else return
  event.preventDefault()
}
for (const area of ['axis', 'targets']) {
  const to = event => {
    const {left, width} = $('axis').getBoundingClientRect()
    seek((event.clientX - left)/width*video.duration)
  }
  $(area).onpointerdown = event => { $(area).onpointermove = to; to(event) }
}
window.onpointerup = () => { for (const area of ['axis', 'targets']) $(area).onpointermove = null }
window.onresize = matchMedia('(prefers-color-scheme: dark)').onchange = soon

// --- A video: it is sent, and its answers come line by line

function show(shown) {
  $('drop').hidden = shown
  for (const part of [$('stage'), document.querySelector('aside'), $('timeline')]) part.hidden = !shown
  document.querySelector('footer').hidden = !shown || !!camera
  $('again').hidden = !shown
}

function begin(about) {
  video = about; answers = []; segments = []; until = 0; now = 0
  $('outputs').replaceChildren()
  $('hint').textContent = ''
  document.title = about.name
  show(true)
}

function problem(text) {
  said('')
  $('hint').textContent = text
}

function sent(file) {  // with XMLHttpRequest, as fetch does not say how far an upload is
  return new Promise((resolve, reject) => {
    const r = new XMLHttpRequest()
    r.open('POST', api('/videos', '&name=' + encodeURIComponent(file.name)))
    r.upload.onprogress = e => said(`sending ${Math.round(100*e.loaded/e.total)}%`)
    r.onload = () => {
      if (r.status == 201) return resolve(JSON.parse(r.response))
      reject(new Error(r.status == 403 ? 'The server was restarted: open the address that it printed.'
                                       : JSON.parse(r.response).error))
    }
    r.onerror = () => reject(new Error('The video could not be sent. Is the server still running?'))
    r.send(file)
  })
}

async function take(file) {
  if (!file) return
  $('hint').textContent = ''
  if (file.size > model.limits.bytes) {
    const mb = x => `${(x/1e6).toFixed(0)} MB`
    return problem(`${file.name} has ${mb(file.size)}; at most ${mb(model.limits.bytes)} are allowed. ` +
                   'Start the page with a larger --max-mb, or cut the video.')
  }
  said('sending \u2026')
  try { await open(await sent(file)) }
  catch (error) { problem(error.message) }
}

async function open(about) {
  begin(about)
  history.replaceState(null, '', query + '#' + about.id)
  $('video').hidden = false
  $('frame').hidden = true
  $('video').src = api(`/videos/${about.id}/video`)
  draw()
  await follow(about.id)
}

function got(line) {
  if (line.waiting !== undefined) {
    said(line.waiting ? `waiting for ${line.waiting} other video${line.waiting > 1 ? 's' : ''}` : 'computing \u2026')
  }
  if (line.time !== undefined) { answers.push(line); until = line.time }
  if (line.segments) segments = line.segments
  if (line.error) said(line.error, true)
  if (line.done) { until = video.duration; video.done = true; said('done'); drawOutputs(line.outputs) }
  else if (line.time !== undefined) said(`computing ${Math.min(99, Math.round(100*line.time/video.duration))}%`)
  soon()
}

async function follow(id) {
  const reader = (await ask(`/videos/${id}/answers`)).body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (let part; !(part = await reader.read()).done;) {
    if (video?.id != id) return reader.cancel()
    const lines = (text + part.value).split('\n')
    text = lines.pop()
    lines.filter(l => l).forEach(l => got(JSON.parse(l)))
  }
}

function drawOutputs(kinds) {
  const links = kinds.map(kind => Object.assign(element('a', names[kind]), {
    href: api(`/videos/${video.id}/outputs/${kind}`), download: '', title: `.${kind}`}))
  $('outputs').replaceChildren(element('span', 'Download'), ...links)
}

$('choose').onclick = () => $('file').click()
$('file').onchange = () => { take($('file').files[0]); $('file').value = '' }
document.ondragover = event => { event.preventDefault(); $('drop').classList.add('over') }
document.ondragleave = () => $('drop').classList.remove('over')
document.ondrop = event => {
  event.preventDefault()
  $('drop').classList.remove('over')
  if (!video) take(event.dataTransfer.files[0])
}

async function leave() {
  const {id, done} = video, was = camera
  video = camera = null
  stream?.getTracks().forEach(track => track.stop())
  stream = $('video').srcObject = null
  $('video').removeAttribute('src')
  history.replaceState(null, '', query)
  document.title = 'Actions'
  show(false)
  said('')
  if (was || !done) await ask(was ? `/camera/${id}` : `/videos/${id}`, {method: 'DELETE'}).catch(() => 0)
}
$('again').onclick = leave

// --- The camera: pictures are sent one after the other, and bring answers back

async function picture(canvas, began) {
  const source = $('video'), k = Math.min(1, 480/Math.max(source.videoWidth, source.videoHeight))
  canvas.width = source.videoWidth*k
  canvas.height = source.videoHeight*k
  canvas.getContext('2d').drawImage(source, 0, 0, canvas.width, canvas.height)
  const t = (performance.now() - began)/1000
  const body = await new Promise(resolve => canvas.toBlob(resolve, 'image/jpeg', .85))
  const reply = await fetch(api(`/camera/${video.id}`, `&t=${t}`), {method: 'POST', body})
  if (!reply.ok) throw new Error((await reply.json()).error)
  return [t, (await reply.json()).answers]
}

function seen(answer) {  // the best labels, one after the other, as segments
  answers.push(answer)
  until = answer.time
  for (const target of Object.keys(model.classes)) {
    const [label, score] = Object.entries(answer.scores[target]).sort((a, b) => b[1] - a[1])[0]
    const last = segments.findLast(s => s.target == target)
    if (last && last.label == label) Object.assign(last, {end: answer.time, score})
    else segments.push({target, label, score, start: last ? last.end : Math.max(0, answer.time - 1), end: answer.time})
  }
  while (answers[0].time < until - 2*live) answers.shift()
  segments = segments.slice(-200)
}

async function watch() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: true})
    const about = await (await ask('/camera', {method: 'POST'})).json()
    camera = about.id
    begin({id: about.id, name: 'Camera', duration: 0})
  } catch (error) {
    stream?.getTracks().forEach(track => track.stop())
    return problem(error.name == 'NotAllowedError' ? 'The browser may not use the camera.'
                   : error.name == 'NotFoundError' ? 'There is no camera.' : error.message)
  }
  $('video').hidden = false
  $('video').srcObject = stream
  await $('video').play()
  const canvas = document.createElement('canvas'), began = performance.now(), id = camera
  said('watching')
  while (camera == id) {
    try {
      const [t, answered] = await picture(canvas, began)
      if (camera != id) return
      now = video.duration = t
      answered.forEach(seen)
      draw()
    } catch (error) {
      if (camera != id) return
      await leave()
      return problem(error.message)
    }
    await new Promise(resolve => setTimeout(resolve, 1000/model.camera))
  }
}
$('camera').onclick = watch

// --- The start; a page that is loaded again goes on with its video

async function start() {
  model = await (await ask('/model')).json()
  const plural = ([target, v]) => `${v.length} ${target}${v.length > 1 ? 's' : ''}`
  const n = Object.entries(model.classes).map(plural).join(', ')
  $('model').textContent = model.name
  const kind = model.calibrated.length ? 'calibrated probabilities' : 'scores, not calibrated'
  $('about').textContent = `${n} \u00b7 ${kind}`
  $('camera').hidden = !model.camera
  const {bytes, seconds} = model.limits
  $('limits').textContent = `Up to ${Math.round(bytes/1e6)} MB and ${Math.round(seconds/60)} minutes. ` +
    'The video is sent only to this server, and deleted when it stops.'
  Object.values(model.classes).flat().slice(0, 60).forEach(label => hue(label))
  tick()
  const id = location.hash.slice(1)
  if (!id) return
  try { await open(await (await ask(`/videos/${id}`)).json()) }
  catch (error) { history.replaceState(null, '', query); video = null; show(false); problem(error.message) }
}

start().catch(error => problem(error.message))
