// What all pages share

const query = location.search  // it holds the token, which every request needs
const $ = id => document.getElementById(id)

function element(tag, textContent, className = '') {
  return Object.assign(document.createElement(tag), {textContent, className})
}
