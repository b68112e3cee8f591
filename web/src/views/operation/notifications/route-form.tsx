import { useState } from 'preact/hooks'
import { saveRoute, type Route } from '../../../api/notification-rules'
import { severities } from '../../../api/signals'
import { Dialog } from '../../../parts/dialog'
import { FormChecks, FormFaults, FormRow, faultsOf, type Fault } from '../../../parts/form-row'
import { TypedInput } from '../../../parts/typed-input'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { duration } from '../../../state/time'
import { oneLine } from '../../../state/text'

export const newRoute = (target: string): Route => ({ id: '', version: 0, name: '', enabled: true, targets: target === '' ? [] : [target], severities: ['critical', 'high'], ruleTypes: [], query: '', digest: 0, escalateAfter: 0, escalateTo: [] })

const types = [['log_detection', 'logs'], ['workload_security', 'agents'], ['signal_correlation', 'correlation'], ['application_security', 'applications']] as const
const spans = [0, 300, 900, 3600, 14400, 86400]
const words = (text: string): string[] => text.split(/[\s,]+/).filter((w) => w !== '')

/** RouteForm is a route: which signals, whom, how much in one, and who is told when nobody triages. */
export function RouteForm({ route, handles, close, onSaved, onDelete }: { route: Route; handles: string[]; close: () => void; onSaved: () => void; onDelete: () => void }) {
  const [r, setRoute] = useState(route)
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  const lacks = useMay('notify')
  const set = (part: Partial<Route>) => setRoute({ ...r, ...part })
  const save = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      const warnings = await saveRoute(r)
      tell({ text: [`${oneLine(r.name, 80)} is saved.`, ...warnings.map((w) => oneLine(w, 200))].join(' '), failed: warnings.length > 0 })
      onSaved()
      close()
    } catch (error) {
      setFaults(faultsOf(error))
      setSending(false)
    }
  }
  return (
    <Dialog title={route.id === '' ? 'A new route' : 'Route'} close={close} class="keep-dialog">
      <form class="form" onSubmit={(e) => void save(e)}>
        <FormRow label="Name" at="name" faults={faults}>{(id) => <input id={id} class="field" required autofocus value={r.name} onInput={(e) => set({ name: e.currentTarget.value })} />}</FormRow>
        <FormChecks label="Severities" of={severities.map((s) => [s, s] as const)} chosen={r.severities} onChange={(chosen) => set({ severities: chosen })} hint="None: all." />
        <FormChecks label="Rules of" of={types} chosen={r.ruleTypes} onChange={(chosen) => set({ ruleTypes: chosen })} hint="None: all." />
        <FormRow label="And signals" at="query" faults={faults} hint="As in a search of signals, such as env:prod. Empty: all.">{(id, said) => <input id={id} class="field mono" spellcheck={false} aria-describedby={said} value={r.query} onInput={(e) => set({ query: e.currentTarget.value })} />}</FormRow>
        <FormRow label="Tells" at="targets" faults={faults} hint={`Handles: ${handles.slice(0, 6).join(' ')}`}>{(id, said) => <Handles id={id} described={said} value={r.targets} set={(targets) => set({ targets })} />}</FormRow>
        <Span label="In one" at="time_aggregation" value={r.digest} zero="no: each signal by itself" faults={faults} set={(digest) => set({ digest })} />
        <Span label="Escalates" at="escalate_after" value={r.escalateAfter} zero="no" faults={faults} set={(escalateAfter) => set({ escalateAfter })} />
        {r.escalateAfter > 0 && <FormRow label="Escalates to" at="escalate_to" faults={faults} hint="Told of a signal that nobody has triaged by then.">{(id, said) => <Handles id={id} described={said} value={r.escalateTo} set={(escalateTo) => set({ escalateTo })} />}</FormRow>}
        <FormFaults faults={faults} rows={['name', 'query', 'targets', 'time_aggregation', 'escalate_after', 'escalate_to']} />
        <div class="keep-actions">
          <button class="button main" disabled={sending || lacks !== ''} title={lacks}>{route.id === '' ? 'Add the route' : 'Save'}</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
          {route.id !== '' && <button type="button" class="button danger" disabled={lacks !== ''} title={lacks} onClick={onDelete}>Delete</button>}
        </div>
      </form>
    </Dialog>
  )
}

function Handles({ id, described, value, set }: { id: string; described: string; value: string[]; set: (v: string[]) => void }) {
  return <TypedInput id={id} class="field mono" spellcheck={false} aria-describedby={described} required value={value.join(' ')} take={(text) => set(words(text))} />
}

function Span({ label, at, value, zero, faults, set }: { label: string; at: string; value: number; zero: string; faults: Fault[]; set: (v: number) => void }) {
  const all = spans.includes(value) ? spans : [...spans, value].sort((a, b) => a - b)
  return (
    <FormRow label={label} at={at} faults={faults}>
      {(id) => <select id={id} class="field short" value={value} onChange={(e) => set(Number(e.currentTarget.value))}>{all.map((s) => <option key={s} value={s}>{s === 0 ? zero : `${at === 'escalate_after' ? 'after' : 'every'} ${duration(s * 1000)}`}</option>)}</select>}
    </FormRow>
  )
}
