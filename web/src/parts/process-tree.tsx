import type { ProcessNode } from '../api/explain'
import { useState } from 'preact/hooks'
import { oneLine } from '../state/text'
import { Value } from './value'

interface Line {
  node: ProcessNode
  /** For each level above, whether its parent has further children below. */
  rails: boolean[]
  isRoot: boolean
  isLast: boolean
}

/** Of those above what was seen, so many are shown at first. */
const above = 4

/** ProcessTree is the lineage of what was seen, with what the events are about marked. */
export function ProcessTree({ roots }: { roots: ProcessNode[] }) {
  const [all, setAll] = useState(false)
  const cut = all ? roots.map((node) => ({ node, left: 0 })) : roots.map((r) => nearest(r))
  const left = cut.reduce((n, c) => n + c.left, 0)
  const lines = cut.flatMap(({ node }) => linesOf(node, [], true, true))
  return (
    <div class="processes" role="table" aria-label="Processes" tabIndex={0}>
      <div role="row" class="process process-head"><span role="columnheader">Process</span><span role="columnheader">Pid</span><span role="columnheader">User</span><span role="columnheader">Command line</span></div>
      {left > 0 && <div role="row" class="process"><span role="cell"><button class="link" onClick={() => setAll(true)}>{left} above</button></span></div>}
      {lines.map(({ node, rails, isRoot, isLast }, i) => (
        <div role="row" key={i} class={'process' + (node.events.length > 0 ? ' seen' : '')}>
          <span role="cell" class="cut">
            <span class="rails" aria-hidden="true">{rails.map((more) => (more ? '│ ' : '  ')).join('')}{isRoot ? '' : isLast ? '└ ' : '├ '}</span>
            <span class="hi" title={oneLine(node.path)}>{oneLine(node.name || node.path || '?')}</span>
            {node.events.length > 0 && <span class="unseen"> (an event is about it)</span>}
          </span>
          <span role="cell" class="mut">{node.pid || ''}</span>
          <span role="cell" class="cut">{node.user !== '' && <Value field="@process.user" value={node.user} />}</span>
          <span role="cell" class="cut" title={oneLine(node.args, 4000)}>{oneLine([node.path || node.name, node.args].filter((t) => t !== '').join(' '))}</span>
        </div>
      ))}
    </div>
  )
}

/** nearest is a lineage from a few processes above what was seen, and how many it leaves out. */
function nearest(root: ProcessNode): { node: ProcessNode; left: number } {
  const chain: ProcessNode[] = []
  let at: ProcessNode | undefined = root
  while (at && at.events.length === 0 && at.children.length === 1) {
    chain.push(at)
    at = at.children[0]
  }
  const left = Math.max(0, chain.length - above)
  return { node: chain[left] ?? root, left }
}

function linesOf(node: ProcessNode, rails: boolean[], isRoot: boolean, isLast: boolean): Line[] {
  const below = isRoot ? [] : [...rails, !isLast]
  return [{ node, rails, isRoot, isLast }, ...node.children.flatMap((c, i) => linesOf(c, below, false, i === node.children.length - 1))]
}
