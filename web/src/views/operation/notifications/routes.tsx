import { useState } from 'preact/hooks'
import { deleteRoute, listRoutes, saveRoute, type Route } from '../../../api/notification-rules'
import { Known, Section } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { duration } from '../../../state/time'
import { oneLine } from '../../../state/text'
import { newRoute, RouteForm } from './route-form'

/** Routes say who is told of which signals, beside whom rules name themselves. */
export function Routes({ handles }: { handles: string[] }) {
  const routes = useAsk('routes', listRoutes, 'keep')
  const [open, setOpen] = useState<Route>()
  const lacks = useMay('notify')
  const turn = async (r: Route, enabled: boolean) => {
    try {
      await saveRoute({ ...r, enabled })
      tell({ text: `${oneLine(r.name, 80)} is ${enabled ? 'on' : 'off'}.`, undo: () => void turn({ ...r, version: r.version + 1 }, !enabled) })
    } catch (e) {
      tell({ text: `It was not switched: ${(e as Error).message}`, failed: true })
    }
    routes.again()
  }
  const remove = async (r: Route) => {
    try {
      await deleteRoute(r.id)
      setOpen(undefined)
      tell({ text: `${oneLine(r.name, 80)} is deleted.`, undo: () => void saveRoute({ ...r, id: '' }).then(routes.again) })
    } catch (e) {
      tell({ text: `It was not deleted: ${(e as Error).message}`, failed: true })
    }
    routes.again()
  }
  const cells: Cell<Route>[] = [
    { title: 'Route', cell: (r) => <button class="link" onClick={() => setOpen(r)}>{oneLine(r.name, 120)}</button> },
    { title: 'Of', minor: true, cell: (r) => oneLine(selects(r), 300) },
    { title: 'Tells', cell: (r) => r.targets.map((t) => <code key={t} class={handles.includes(t) || !t.startsWith('@') || t.indexOf('@', 1) > 0 ? 'tag' : 'tag critical'}>{oneLine(t, 80)}</code>) },
    { title: 'How', minor: true, cell: (r) => (r.digest === 0 ? 'each' : `in one, every ${duration(r.digest * 1000)}`) },
    { title: 'Escalates', minor: true, cell: (r) => (r.escalateAfter === 0 ? <span class="mut">no</span> : <>after {duration(r.escalateAfter * 1000)} to {r.escalateTo.map((t) => <code key={t} class="tag">{oneLine(t, 80)}</code>)}</>) },
    { title: 'State', cell: (r) => <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void turn(r, !r.enabled)}>{r.enabled ? 'on' : 'off'}<span class="unseen">: switch {r.enabled ? 'off' : 'on'} {oneLine(r.name, 80)}</span></button> },
  ]
  return (
    <Section title="Routes" note="who is told of which signals, beside whom rules name">
      <Known of={routes}>{(all) => (all.length === 0 ? <p class="mut">None: only targets that a rule names in a case or its message are told.</p> : <Listing name="Routes" cells={cells} rows={all} keyOf={(r) => r.id} />)}</Known>
      <p class="keep-actions"><button class="button" disabled={lacks !== '' || handles.length === 0} title={lacks || (handles.length === 0 ? 'make a target first' : '')} onClick={() => setOpen(newRoute(handles[0] ?? ''))}>Add a route…</button></p>
      {open && <RouteForm route={open} handles={handles} close={() => setOpen(undefined)} onSaved={routes.again} onDelete={() => void remove(open)} />}
    </Section>
  )
}

function selects(r: Route): string {
  const said = [r.severities.join(', '), r.ruleTypes.map((t) => t.replaceAll('_', ' ')).join(', '), r.query].filter((s) => s !== '')
  return said.length === 0 ? 'every signal' : said.join('; ')
}
