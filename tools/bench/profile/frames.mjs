/**
 * @typedef {object} Frame of a flame graph
 * @property {string} name
 * @property {string} place file and line; empty for what is none
 * @property {number} total with all that it calls
 * @property {Frame[]} children
 *
 * @typedef {{ functionName: string, url: string, lineNumber: number }} CallFrame
 * @typedef {{ id: number, callFrame: CallFrame, children?: number[] }} CpuNode
 * @typedef {{ nodes: CpuNode[], samples?: number[], timeDeltas?: number[] }} CpuProfile of V8
 * @typedef {{ callFrame: CallFrame, selfSize: number, children: HeapNode[] }} HeapNode
 * @typedef {{ head: HeapNode }} HeapProfile of V8
 */

/** Neither is work of anybody: the one waits, the other is V8's own start. */
const LEFT_OUT = new Set(['(idle)', '(program)']);

/**
 * @param {CpuProfile} profile
 * @returns {Frame} in microseconds
 */
export function framesOfCpu({ nodes, samples = [], timeDeltas = [] }) {
  /** @type {Map<number, number>} */
  const self = new Map();
  samples.forEach((id, index) => {
    self.set(id, (self.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** @type {(node: CpuNode) => Frame} */
  const frame = ({ id, callFrame, children = [] }) =>
    frameOf(
      callFrame,
      self.get(id) ?? 0,
      children
        .flatMap((child) => byId.get(child) ?? [])
        .filter((child) => !LEFT_OUT.has(child.callFrame.functionName))
        .map(frame),
    );
  const [root] = nodes;
  if (root === undefined) throw new Error('The profile is empty.');
  return frame(root);
}

/**
 * @param {HeapProfile} profile
 * @returns {Frame} in bytes
 */
export function framesOfHeap({ head }) {
  /** @type {(node: HeapNode) => Frame} */
  const frame = ({ callFrame, selfSize, children }) => frameOf(callFrame, selfSize, children.map(frame));
  return frame(head);
}

/**
 * @param {CallFrame} callFrame
 * @param {number} self
 * @param {Frame[]} children
 * @returns {Frame}
 */
function frameOf({ functionName, url, lineNumber }, self, children) {
  const file = shortened(url);
  // One frame for calls of the same function from the same one: V8 has several when it compiled it anew.
  /** @type {Map<string, Frame>} */
  const merged = new Map();
  for (const child of children) {
    if (child.total === 0) continue;
    const key = `${child.name} ${child.place}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? child : joined(before, child));
  }
  const all = [...merged.values()].sort((a, b) => b.total - a.total);
  return {
    name: functionName === '' ? '(anonymous)' : functionName,
    place: file === '' ? '' : `${file}:${lineNumber + 1}`,
    total: all.reduce((sum, { total }) => sum + total, self),
    children: all,
  };
}

/**
 * @param {Frame} a
 * @param {Frame} b
 * @returns {Frame}
 */
function joined(a, b) {
  const children = [...a.children];
  for (const child of b.children) {
    const at = children.findIndex(({ name, place }) => name === child.name && place === child.place);
    const same = children[at];
    if (same === undefined) children.push(child);
    else children[at] = joined(same, child);
  }
  return { ...a, total: a.total + b.total, children: children.sort((x, y) => y.total - x.total) };
}

/**
 * @param {string} url
 * @returns {string} from the package's folder on; of a library, from `node_modules` on
 */
function shortened(url) {
  const file = url.replace(/^file:\/\//, '');
  const library = file.lastIndexOf('/node_modules/');
  if (library !== -1) return file.slice(library + 1);
  return /\/(?:packages|apps)\/(.+)$/.exec(file)?.[1] ?? file.split('/').slice(-3).join('/');
}
