import { listPipelines, switchPipeline, type Pipeline } from '../../api/pipeline-states'
import { Known } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural } from '../../state/text'

/** Pipelines read events of sources; first what fails, then what reads most. */
export function Pipelines() {
  const pipelines = useAsk('pipelines', listPipelines, 'keep')
  useEvery(10_000, pipelines.again)
  const lacks = useMay('configure')
  const turn = async (p: Pipeline, to: 'on' | 'off') => {
    try {
      await switchPipeline(p.id, to)
      tell({ text: `${oneLine(p.name, 80)} is ${to}.`, undo: () => void turn(p, to === 'on' ? 'off' : 'on') })
    } catch (e) {
      tell({ text: `It was not switched: ${(e as Error).message}`, failed: true })
    }
    pipelines.again()
  }
  const cells: Cell<Pipeline>[] = [
    { title: 'Pipeline', cell: (p) => <><b class="hi">{oneLine(p.name, 120)}</b> <span class="small mut">{p.builtIn ? 'built in' : 'yours'}</span><Said of={p} /></> },
    { title: 'Reads', minor: true, cell: (p) => <code>{oneLine(p.query, 160)}</code> },
    { title: 'Events', number: true, cell: (p) => number(p.events) },
    { title: 'Failed', number: true, cell: (p) => <span class={p.failed > 0 ? 'critical' : 'mut'}>{count(p.failed)}</span> },
    { title: 'An event', number: true, minor: true, cell: (p) => (p.events === 0 ? '' : <span class="sure">{p.time.toFixed(1)} µs</span>) },
    { title: 'State', cell: (p) => <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void turn(p, p.enabled ? 'off' : 'on')}>{p.enabled ? 'on' : 'off'}<span class="unseen">: switch {p.enabled ? 'off' : 'on'} {oneLine(p.name, 80)}</span></button> },
  ]
  return (
    <Known of={pipelines}>
      {(all) => (
        <>
          <p class="place-lead">{plural(all.filter((p) => p.enabled).length, 'pipeline')} of {count(all.length)} are on. Counts are since the engine started; an event that one fails on is kept as the pipelines before left it.</p>
          <Listing name="Pipelines" cells={cells} rows={[...all].sort((a, b) => rank(a) - rank(b) || b.failed - a.failed || b.events - a.events)} keyOf={(p) => p.id} />
          {lacks !== '' && <p class="small mut">Switching {lacks}.</p>}
        </>
      )}
    </Known>
  )
}

const rank = (p: Pipeline): number => (p.broken !== '' ? 0 : p.failed > 0 ? 1 : p.dear !== '' || warningsOf(p).length > 0 ? 2 : 3)
/** warningsOf are those that somebody here can do something about. */
const warningsOf = (p: Pipeline): string[] => (p.builtIn ? [] : p.warnings)
const number = (n: number) => (n === 0 ? <span class="mut">0</span> : count(n))

function Said({ of: p }: { of: Pipeline }) {
  return <>{p.broken !== '' && <span class="small critical"> {oneLine(p.broken, 300)}</span>}{p.dear !== '' && <span class="small medium"> {oneLine(p.dear, 200)}</span>}{warningsOf(p).map((w) => <span key={w} class="small medium"> {oneLine(w, 200)}</span>)}</>
}
