/** @typedef {import('./frames.mjs').Frame} Frame */

const WIDTH = 1200;
const ROW = 18;
const MARGIN = 10;
const HEAD = 46;
/** Of a character of the font below, at 11 px. */
const CHARACTER = 6.6;
/** Narrower frames are not drawn: nobody could see them, and there are thousands. */
const LEAST_WIDTH = 0.4;

/**
 * A flame graph as one SVG without anything from outside: callers above, what they call below them, as wide as its part
 * of the whole. Each frame tells its name, place and part when pointed at; a click widens it to the whole width, a
 * click on the title goes back.
 *
 * @param {Frame} root
 * @param {{ title: string, unit: 'us' | 'bytes' }} options
 * @returns {string}
 */
export function flameGraph(root, { title, unit }) {
  /** @type {string[]} */
  const drawn = [];
  let deepest = 0;
  /** @type {(frame: Frame, left: number, depth: number) => void} */
  const draw = (frame, left, depth) => {
    const width = (frame.total / root.total) * (WIDTH - 2 * MARGIN);
    if (!(width >= LEAST_WIDTH)) return;
    deepest = Math.max(deepest, depth);
    const part = `${((frame.total / root.total) * 100).toFixed(1)} %, ${amount(frame.total, unit)}`;
    const x = (MARGIN + left).toFixed(2);
    const y = HEAD + depth * ROW;
    drawn.push(
      `<g data-x="${x}" data-w="${width.toFixed(2)}" data-d="${depth}" data-n="${escaped(frame.name)}">` +
        `<title>${escaped(`${frame.name} ${frame.place}\n${part}`)}</title>` +
        `<rect x="${x}" y="${y}" width="${width.toFixed(2)}" height="${ROW - 1}" rx="2" fill="${colour(frame)}"/>` +
        `<text x="${(MARGIN + left + 3).toFixed(2)}" y="${y + 12.5}">${escaped(cut(frame.name, width))}</text></g>`,
    );
    let at = left;
    for (const child of frame.children) {
      draw(child, at, depth + 1);
      at += (child.total / root.total) * (WIDTH - 2 * MARGIN);
    }
  };
  draw(root, 0, 0);
  const height = HEAD + (deepest + 1) * ROW + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="11">
<rect width="100%" height="100%" fill="#fffdf8"/>
<text id="reset" x="${MARGIN}" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>
<text x="${MARGIN}" y="36" fill="#555">${amount(root.total, unit)} in all; point at a frame for its place and part, click to widen it, click the title to go back. Orange: ours, sand: libraries, blue: Node, grey: V8.</text>
${drawn.join('\n')}
<script><![CDATA[${SCRIPT}]]></script>
</svg>
`;
}

/** Kept small; it has to work in any browser that opens the file. */
const SCRIPT = String.raw`
const frames = [...document.querySelectorAll('g[data-x]')].map((g) => ({
  g, x: +g.dataset.x, w: +g.dataset.w, d: +g.dataset.d, rect: g.children[1], text: g.children[2],
}));
function widen(to) {
  const scale = ${WIDTH - 2 * MARGIN} / to.w;
  for (const f of frames) {
    const above = f.d < to.d && f.x <= to.x + 0.01 && f.x + f.w >= to.x + to.w - 0.01;
    const inside = f.d >= to.d && f.x >= to.x - 0.01 && f.x + f.w <= to.x + to.w + 0.01;
    f.g.style.display = above || inside ? '' : 'none';
    const x = above ? ${MARGIN} : ${MARGIN} + (f.x - to.x) * scale;
    const w = above ? ${WIDTH - 2 * MARGIN} : f.w * scale;
    f.rect.setAttribute('x', x);
    f.rect.setAttribute('width', Math.max(w, 0));
    f.rect.style.opacity = above ? 0.5 : 1;
    f.text.setAttribute('x', x + 3);
    const fit = Math.floor((w - 6) / ${CHARACTER}), n = f.g.dataset.n;
    f.text.textContent = fit < 3 ? '' : n.length <= fit ? n : n.slice(0, fit - 1) + '…';
  }
}
for (const f of frames) f.g.addEventListener('click', () => widen(f));
document.getElementById('reset').addEventListener('click', () => widen(frames[0]));
`;

/**
 * @param {Frame} frame
 * @returns {string}
 */
function colour({ name, place }) {
  const shade =
    Array.from(name).reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 997, 7) % 12;
  if (/^\(|^node_modules$/.test(name) && place === '') return `hsl(0 0% ${78 + shade / 2}%)`;
  if (place === '' || place.startsWith('node:')) return `hsl(205 55% ${72 + shade}%)`;
  if (/node_modules|vitest|tools\/bench|bench\/measure/.test(place)) return `hsl(45 45% ${74 + shade}%)`;
  return `hsl(${14 + shade * 2} 85% ${62 + shade}%)`;
}

/**
 * @param {string} text
 * @param {number} width
 */
function cut(text, width) {
  const fit = Math.floor((width - 6) / CHARACTER);
  if (fit < 3) return '';
  return text.length <= fit ? text : `${text.slice(0, fit - 1)}…`;
}

/**
 * @param {number} total
 * @param {'us' | 'bytes'} unit
 */
function amount(total, unit) {
  return unit === 'us' ? `${(total / 1000).toFixed(1)} ms` : `${(total / 1024).toFixed(0)} KiB`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
