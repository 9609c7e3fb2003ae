// What pages with a timeline share: times, colours of labels, and where a time lies on an axis

const clamp = (x, low, high) => Math.max(low, Math.min(x, high))

function clock(t, digits = 3) {
  const minutes = Math.floor(t/60), hours = Math.floor(minutes/60), s = (t - 60*minutes).toFixed(digits)
  const two = x => String(x).padStart(2, '0')
  return (hours ? `${hours}:${two(minutes % 60)}` : minutes) + ':' + (s.split('.')[0].length < 2 ? '0' + s : s)
}

const hues = new Map()  // a colour for each label, far from those before it
function hue(label, light = 74) {
  if (!hues.has(label)) hues.set(label, (210 + 137.508*hues.size) % 360)
  return `hsl(${hues.get(label)} 62% ${light}%)`
}

function put(element, from, to, within) {
  element.style.left = 100*(from - within.from)/(within.to - within.from) + '%'
  if (to !== null) element.style.width = 100*(to - from)/(within.to - within.from) + '%'
  return element
}

function ticks(within, room) {  // of an axis with so many pixels a second
  const step = [.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find(s => s*room > 70) ?? 3600, found = []
  for (let k = Math.ceil(within.from/step); k*step < within.to - 30/room; k++) {
    found.push(put(element('span', clock(k*step, step < 1 ? 1 : 0)), k*step, null, within))
  }
  return found
}
