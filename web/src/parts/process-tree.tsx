import type { Deed, ProcessNode } from '../api/explain'
import { useState } from 'preact/hooks'
import { clockMillis, dayAndMinutes, useZone, wholeTime, type Zone } from '../state/time'
import { oneLine } from '../state/text'
import { Value } from './value'

interface Line {
  node: ProcessNode
  /** What an event saw the process do, where the line is about that. */
  deed?: Deed
  /** For each level above, whether its parent has further children below. */
  rails: boolean[]
  isRoot: boolean
  isLast: boolean
}

/** Of those above what was seen, so many are shown at first. */
const above = 4

/** ProcessTree is the lineage of what was seen, with the process that the first event is about marked. */
export function ProcessTree({ roots }: { roots: ProcessNode[] }) {
  const [all, setAll] = useState(false)
  const zone = useZone()
  const cut = all ? roots.map((node) => ({ node, left: 0 })) : roots.map((r) => nearest(r))
  const left = cut.reduce((n, c) => n + c.left, 0)
  const lines = cut.flatMap(({ node }) => linesOf(node, [], true, true))
  const firstAt = Math.min(...lines.flatMap((l) => l.node.deeds.map((d) => d.at)))
  return (
    <div class="processes" role="table" aria-label="Processes" tabIndex={0}>
      <div role="row" class="process process-head"><span role="columnheader">Process</span><span role="columnheader">Pid</span><span role="columnheader">User</span><span role="columnheader">Started</span><span role="columnheader">Command line, file or connection</span></div>
      {left > 0 && <div role="row" class="process"><span role="cell"><button class="link" onClick={() => setAll(true)}>{left} above</button></span></div>}
      {lines.map((line, i) => (line.deed
        ? <DeedLine key={i} line={line} deed={line.deed} zone={zone} />
        : <ProcessLine key={i} line={line} zone={zone} fired={line.node.deeds.some((d) => d.at === firstAt)} />))}
    </div>
  )
}

const railsOf = ({ rails, isRoot, isLast }: Line): string => rails.map((more) => (more ? '│ ' : '  ')).join('') + (isRoot ? '' : isLast ? '└ ' : '├ ')

function ProcessLine({ line, zone, fired }: { line: Line; zone: Zone; fired: boolean }) {
  const { node } = line
  const command = oneLine([node.path || node.name, node.args].filter((t) => t !== '').join(' '), 4000)
  return (
    <div role="row" class={'process' + (node.events.length > 0 ? ' seen' : '') + (fired ? ' fired' : '')}>
      <span role="cell" class="cut">
        <span class="rails" aria-hidden="true">{railsOf(line)}</span>
        <span class="hi" title={oneLine(node.path)}>{oneLine(node.name || node.path || '?')}</span>
        {node.events.length > 0 && <span class="unseen">{fired ? ' (the rule fired on it)' : ' (an event is about it)'}</span>}
      </span>
      <span role="cell" class="mut">{node.pid || ''}</span>
      <span role="cell" class="cut">{node.user !== '' && <Value field="@process.user" value={node.user} />}</span>
      <span role="cell" class="mut">{node.started > 0 && <time title={wholeTime(node.started, zone)}>{startedText(node, zone)}</time>}</span>
      <span role="cell" class="cut" title={command}>{command}</span>
    </div>
  )
}

/** startedText is to the second for what began near what was seen; of what is older the day. */
const startedText = (node: ProcessNode, zone: Zone): string => {
  const seen = node.deeds[0]?.at ?? firstBelow(node)
  return seen !== undefined && seen - node.started > 12 * 3_600_000 ? dayAndMinutes(node.started, zone) : clockMillis(node.started, zone)
}

const firstBelow = (node: ProcessNode): number | undefined => {
  for (const c of node.children) {
    const at = c.deeds[0]?.at ?? firstBelow(c)
    if (at !== undefined) return at
  }
  return undefined
}

function DeedLine({ line, deed, zone }: { line: Line; deed: Deed; zone: Zone }) {
  return (
    <div role="row" class="process deed">
      <span role="cell" class="cut mut"><span class="rails" aria-hidden="true">{railsOf(line)}</span>{oneLine(deed.name, 60)}</span>
      <span role="cell" /><span role="cell" />
      <span role="cell" class="mut"><time title={wholeTime(deed.at, zone)}>{clockMillis(deed.at, zone)}</time></span>
      <span role="cell" class="cut" title={oneLine(deed.target, 4000)}>{oneLine(deed.target)}</span>
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
  const deeds = node.deeds.filter((d) => d.name !== 'exec' && d.target !== '')
  const n = deeds.length + node.children.length
  return [
    { node, rails, isRoot, isLast },
    ...deeds.map((deed, i) => ({ node: nobody, deed, rails: below, isRoot: false, isLast: i === n - 1 })),
    ...node.children.flatMap((c, i) => linesOf(c, below, false, deeds.length + i === n - 1)),
  ]
}

const nobody: ProcessNode = { pid: 0, name: '', path: '', args: '', user: '', host: '', started: 0, events: [], deeds: [], children: [] }
