import { useState } from 'preact/hooks'
import { orderPipelines } from '../../../api/pipeline-documents'
import { listPipelines, switchPipeline, type Pipeline } from '../../../api/pipeline-states'
import { Known, Nothing } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { change, go, pathOf, useAddress } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { count, oneLine, plural } from '../../../state/text'

/** needsALook reports whether somebody should see to a pipeline. */
const needsALook = (p: Pipeline): boolean => p.broken !== '' || p.failed > 0 || p.dear !== '' || warningsOf(p).length > 0
/** warningsOf are those that somebody here can do something about. */
const warningsOf = (p: Pipeline): string[] => (p.builtIn ? [] : p.warnings)

const kinds: Record<string, { title: string; fits: (p: Pipeline) => boolean }> = {
  all: { title: 'All', fits: () => true }, yours: { title: 'Yours', fits: (p) => !p.builtIn }, reading: { title: 'With events', fits: (p) => p.events > 0 },
  look: { title: 'To look at', fits: needsALook }, off: { title: 'Off', fits: (p) => !p.enabled },
}

/** PipelineList is the pipelines in the order in which they read an event. */
export function PipelineList() {
  const { query } = useAddress()
  const pipelines = useAsk('pipelines', listPipelines, 'keep')
  useEvery(10_000, pipelines.refresh)
  const lacks = useMay('configure')
  const [text, setText] = useState('')
  const kind = kinds[query.get('show') ?? 'all'] ?? { title: 'All', fits: () => true }
  const all = pipelines.value ?? []
  const rows = all.map((p, i) => ({ ...p, place: i })).filter((p) => kind.fits(p) && `${p.name} ${p.id} ${p.query}`.toLowerCase().includes(text.trim().toLowerCase()))
  return (
    <>
      <div class="keep-form">
        <label>Find a pipeline <input class="field" type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
        <label>Show <select class="field" value={query.get('show') ?? 'all'} onChange={(e) => change({ show: e.currentTarget.value === 'all' ? undefined : e.currentTarget.value })}>{Object.entries(kinds).map(([k, v]) => <option key={k} value={k}>{v.title}</option>)}</select></label>
        {lacks === '' ? <a class="button main" href="/sources/pipelines/new">New pipeline</a> : <button class="button main" disabled title={lacks}>New pipeline</button>}
        <a class="button" href="/sources/again">Read stored events again</a>
      </div>
      <Known of={pipelines}>
        {() => (
          <>
            <p class="place-lead">{plural(all.filter((p) => p.enabled).length, 'pipeline')} of {count(all.length)} are on. An event meets them in this order. Counts are since the engine started; an event that one fails on is kept as the ones before left it.</p>
            {rows.length === 0 ? <Nothing title="No pipeline is so"><p class="keep-actions"><button class="button" onClick={() => (setText(''), change({ show: undefined }))}>Show all</button></p></Nothing>
              : <Rows rows={rows} all={all} again={pipelines.again} lacks={lacks} whole={rows.length === all.length} />}
            {lacks !== '' && <p class="small mut">Switching, ordering and writing {lacks}.</p>}
          </>
        )}
      </Known>
    </>
  )
}

type Placed = Pipeline & { place: number }

function Rows({ rows, all, again, lacks, whole }: { rows: Placed[]; all: Pipeline[]; again: () => void; lacks: string; whole: boolean }) {
  const cells: Cell<Placed>[] = [
    { title: 'Pipeline', cell: (p) => <>{oneLine(p.name, 120)}</> },
    { title: 'Whose', minor: true, cell: (p) => <><span class="mut sure">{p.builtIn ? 'built in' : 'yours'}</span><Said of={p} /></> },
    { title: 'Reads', minor: true, cell: (p) => <code class="pipeline-reads" title={oneLine(p.query, 500)}>{oneLine(p.query, 160)}</code> },
    { title: 'Matched', number: true, cell: (p) => (p.events === 0 ? <span class="mut">0</span> : count(p.events)) },
    { title: 'Failed', number: true, cell: (p) => (p.failed === 0 ? <span class="mut">0</span> : <a class="link critical" href={pathOf(['search'], { query: `@nightjar.pipelines:${p.id}@* @nightjar.pipeline_errors:*`, from: 'now-24h' })}>{count(p.failed)}<span class="unseen">: show them</span></a>) },
    { title: 'An event', number: true, minor: true, cell: (p) => (p.events === 0 ? '' : <span class="sure">{p.time.toFixed(1)} µs</span>) },
    { title: 'State', cell: (p) => <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void turn(p, p.enabled ? 'off' : 'on', again)}>{p.enabled ? 'on' : 'off'}<span class="unseen">: switch {p.enabled ? 'off' : 'on'} {oneLine(p.name, 80)}</span></button> },
    { title: 'Order', minor: true, cell: (p) => <Moves of={p} all={all} again={again} lacks={lacks || (whole ? '' : 'show all of them to change the order')} /> },
  ]
  return <Listing name="Pipelines" cells={cells} rows={rows} keyOf={(p) => p.id} onOpen={(id) => go(pathOf(['sources', 'pipelines', id]))} />
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

/** Moves put a pipeline before the one above it, or behind the one below. */
function Moves({ of: p, all, again, lacks }: { of: Placed; all: Pipeline[]; again: () => void; lacks: string }) {
  const [moving, setMoving] = useState(false)
  const before = all.map((x) => x.id)
  const put = async (ids: string[], text: string, undo?: string[]) => {
    setMoving(true)
    try {
      await orderPipelines(ids)
      tell({ text, ...(undo ? { undo: () => void put(undo, 'They run in the order from before.') } : {}) })
    } catch (e) {
      tell({ text: `The order was not changed: ${(e as Error).message}`, failed: true })
    }
    setMoving(false)
    again()
  }
  const to = (place: number) => {
    const ids = before.filter((id) => id !== p.id)
    ids.splice(place, 0, p.id)
    void put(ids, `${oneLine(p.name, 80)} runs ${place < p.place ? 'sooner' : 'later'}.`, before)
  }
  return (
    <span class="sure row-acts">
      <button class="link" disabled={lacks !== '' || moving || p.place === 0} title={lacks} onClick={() => to(p.place - 1)} aria-label={`Sooner: ${oneLine(p.name, 80)}`}>↑</button>
      <button class="link" disabled={lacks !== '' || moving || p.place === all.length - 1} title={lacks} onClick={() => to(p.place + 1)} aria-label={`Later: ${oneLine(p.name, 80)}`}>↓</button>
    </span>
  )
}

function Said({ of: p }: { of: Pipeline }) {
  return <>{p.broken !== '' && <span class="small critical"> {oneLine(p.broken, 300)}</span>}{p.dear !== '' && <span class="small medium"> {oneLine(p.dear, 200)}</span>}{warningsOf(p).map((w) => <span key={w} class="small medium"> {oneLine(w, 200)}</span>)}</>
}
