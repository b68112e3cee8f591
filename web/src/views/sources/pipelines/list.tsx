import { useState } from 'preact/hooks'
import { listPipelines, switchPipeline, type Pipeline } from '../../../api/pipeline-states'
import { Known, Nothing } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { change, go, pathOf, useAddress } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { count, oneLine, plural } from '../../../state/text'
import { Deleted } from './deleted'
import { Moves, useOrder } from './order'

/** needsALook reports whether somebody should see to a pipeline. */
const needsALook = (p: Pipeline): boolean => p.broken !== '' || p.failed > 0 || p.dear !== '' || warningsOf(p).length > 0
/** warningsOf are those that somebody here can do something about. */
const warningsOf = (p: Pipeline): string[] => (p.builtIn ? [] : p.warnings)

const kinds: Record<string, { title: string; fits: (p: Pipeline) => boolean }> = {
  all: { title: 'All', fits: () => true }, yours: { title: 'Yours', fits: (p) => !p.builtIn }, reading: { title: 'With events', fits: (p) => p.events > 0 },
  look: { title: 'To look at', fits: needsALook }, off: { title: 'Off', fits: (p) => !p.enabled }, deleted: { title: 'Deleted', fits: () => false },
}

/** PipelineList is the pipelines in the order in which they read an event. */
export function PipelineList() {
  const { query } = useAddress()
  const pipelines = useAsk('pipelines', listPipelines, 'keep')
  useEvery(10_000, pipelines.refresh)
  const lacks = useMay('configure')
  const [text, setText] = useState('')
  const show = query.get('show') ?? 'all'
  const kind = (Object.hasOwn(kinds, show) && kinds[show]) || { title: 'All', fits: () => true }
  const all = pipelines.value ?? []
  const rows = all.filter((p) => kind.fits(p) && `${p.name} ${p.id} ${p.query}`.toLowerCase().includes(text.trim().toLowerCase()))
  return (
    <>
      <div class="keep-form">
        <label>Find a pipeline <input class="field" type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
        <label>Show <select class="field" value={query.get('show') ?? 'all'} onChange={(e) => change({ show: e.currentTarget.value === 'all' ? undefined : e.currentTarget.value })}>{Object.entries(kinds).map(([k, v]) => <option key={k} value={k}>{v.title}</option>)}</select></label>
        {lacks === '' ? <a class="button main" href="/sources/pipelines/new">New pipeline</a> : <button class="button main" disabled title={lacks}>New pipeline</button>}
        <a class="button" href="/sources/again">Read stored events again</a>
      </div>
      {show === 'deleted' ? <Deleted fits={(name) => name.toLowerCase().includes(text.trim().toLowerCase())} again={pipelines.again} /> : <Known of={pipelines}>
        {() => (
          <>
            <p class="place-lead">{plural(all.filter((p) => p.enabled).length, 'pipeline')} of {count(all.length)} are on. An event meets them in this order. Counts are since the engine started; an event that one fails on is kept as the ones before left it.</p>
            {rows.length === 0 ? <Nothing title="No pipeline is so"><p class="keep-actions"><button class="button" onClick={() => (setText(''), change({ show: undefined }))}>Show all</button></p></Nothing>
              : <Rows rows={rows} all={all} again={pipelines.again} lacks={lacks} whole={rows.length === all.length} />}
            {lacks !== '' && <p class="small mut">Switching, ordering and writing {lacks}.</p>}
          </>
        )}
      </Known>}
    </>
  )
}

function Rows({ rows, all, again, lacks, whole }: { rows: Pipeline[]; all: Pipeline[]; again: () => void; lacks: string; whole: boolean }) {
  const order = useOrder(all, again, lacks || (whole ? '' : 'show all of them to change the order'))
  const cells: Cell<Pipeline>[] = [
    { title: 'Pipeline', cell: (p) => <>{oneLine(p.name, 120)}</> },
    { title: 'Whose', minor: true, cell: (p) => <><span class="mut sure">{p.builtIn ? 'built in' : 'yours'}</span><Said of={p} /></> },
    { title: 'Reads', minor: true, cell: (p) => <code class="pipeline-reads" title={oneLine(p.query, 500)}>{oneLine(p.query, 160)}</code> },
    { title: 'Matched', number: true, cell: (p) => (p.events === 0 ? <span class="mut">0</span> : count(p.events)) },
    { title: 'Failed', number: true, cell: (p) => (p.failed === 0 ? <span class="mut">0</span> : <a class="link critical" href={pathOf(['search'], { query: `@nightjar.pipelines:${p.id}@* @nightjar.pipeline_errors:*`, from: 'now-24h' })}>{count(p.failed)}<span class="unseen">: show them</span></a>) },
    { title: 'An event', number: true, minor: true, cell: (p) => (p.events === 0 ? '' : <span class="sure">{p.time.toFixed(1)} µs</span>) },
    { title: 'State', cell: (p) => <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void turn(p, p.enabled ? 'off' : 'on', again)}>{p.enabled ? 'on' : 'off'}<span class="unseen">: switch {p.enabled ? 'off' : 'on'} {oneLine(p.name, 80)}</span></button> },
    { title: 'Order', cell: (p) => <Moves of={p} order={order} /> },
  ]
  const sorted = order.lifted === undefined ? rows : [...rows].sort((a, b) => order.ids.indexOf(a.id) - order.ids.indexOf(b.id))
  return <Listing name="Pipelines" cells={cells} rows={sorted} keyOf={(p) => p.id} current={order.lifted} onOpen={(id) => go(pathOf(['sources', 'pipelines', id]))} />
}

async function turn(p: Pipeline, to: 'on' | 'off', again: () => void): Promise<void> {
  try {
    await switchPipeline(p.id, to)
    tell({ text: `${oneLine(p.name, 80)} is ${to}.`, undo: () => void turn(p, to === 'on' ? 'off' : 'on', again) })
  } catch (e) {
    tell({ text: `It was not switched: ${(e as Error).message}`, failed: true })
  }
  again()
}

function Said({ of: p }: { of: Pipeline }) {
  return <>{p.broken !== '' && <span class="small critical"> {oneLine(p.broken, 300)}</span>}{p.dear !== '' && <span class="small medium"> {oneLine(p.dear, 200)}</span>}{warningsOf(p).map((w) => <span key={w} class="small medium"> {oneLine(w, 200)}</span>)}</>
}
