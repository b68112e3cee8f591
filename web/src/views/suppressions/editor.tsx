import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { checkSuppression, createSuppression, updateSuppression, type Draft, type Standing, type Suppression } from '../../api/suppressions'
import { TypedInput } from '../../parts/typed-input'
import { go, pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { useKeys } from '../../state/keys'
import { useMay } from '../../state/session'
import { useSettled } from '../../state/settled'
import { count, oneLine } from '../../state/text'
import { useZone, zoneName, type Zone } from '../../state/time'

/** EditorState is a draft, what is wrong with it, and how it is kept. */
export interface EditorState {
  draft: Draft
  set: (part: Partial<Draft>) => void
  changed: boolean
  /** What keeps it from being stored, by the field that it is about. */
  faults: Map<string, string>
  /** It can't be stored, or is not checked yet. */
  faulty: boolean
  saving: boolean
  save: () => Promise<void>
  discard: () => void
  isNew: boolean
}

const fields: (keyof Draft)[] = ['name', 'description', 'enabled', 'ruleQuery', 'query', 'exclusion', 'from', 'until', 'tags']
const draftOf = (d: Draft): Draft => Object.fromEntries(fields.map((f) => [f, d[f]])) as unknown as Draft

/** useEditor edits a suppression, stored or not; the engine checks it while it is typed. */
export function useEditor(stored: Suppression | undefined, from: Draft, put: (s: Suppression) => void): EditorState {
  const [draft, setDraft] = useState<Draft>(() => draftOf(from))
  const [base, setBase] = useState({ version: stored?.version ?? 0, text: JSON.stringify(draftOf(from)) })
  const [saving, setSaving] = useState(false)
  const text = JSON.stringify(draft)
  const changed = text !== base.text
  useEffect(() => {
    if (!stored || stored.version === base.version) return
    // Somebody switched or extended it: what is not edited follows.
    const now = draftOf(stored)
    if (!changed) setDraft(now)
    setBase({ version: stored.version, text: JSON.stringify(now) })
  }, [stored?.version])
  const { faults, faulty } = useFaults(draft, text, changed || !stored)
  const save = async () => {
    if (faulty || saving || (!changed && stored)) return
    setSaving(true)
    try {
      const now = stored ? await updateSuppression(stored.id, base.version, draft) : await createSuppression(draft)
      setBase({ version: now.version, text: JSON.stringify(draftOf(now)) })
      setDraft(draftOf(now))
      put(now)
      tell({ text: stored ? `Saved as v${now.version}. It is for what arrives from now.` : 'Stored. It is for what arrives from now.' })
      if (!stored) go(pathOf(['suppressions', now.id]), 'replace')
    } catch (e) {
      tell({ text: `Not saved: ${(e as Error).message}`, failed: true })
    }
    setSaving(false)
  }
  return {
    draft, set: (part) => setDraft((d) => ({ ...d, ...part })), changed, faults, faulty, saving, save,
    discard: () => setDraft(JSON.parse(base.text) as Draft), isNew: !stored,
  }
}

function useFaults(draft: Draft, text: string, asks: boolean): { faults: Map<string, string>; faulty: boolean } {
  const settled = useSettled(text, 300)
  // What is only begun needs no engine to see it.
  const begun = draft.name.trim() === '' || draft.ruleQuery.trim() === '' || (draft.query.trim() === '' && draft.exclusion.trim() === '')
  const asked = useAsk(asks && !begun && settled === text ? text : null, async (stop) => {
    try {
      await checkSuppression(draft, stop)
      return new Map<string, string>()
    } catch (e) {
      if (!(e instanceof APIError) || e.status !== 400) throw e
      const details = e.details.length > 0 ? e.details : [{ target: e.target ?? '', message: e.message }]
      return new Map(details.map((d) => [d.target.replace(/^data\.attributes\./, ''), d.message]))
    }
  }, 'keep')
  if (!asks) return { faults: new Map(), faulty: false }
  if (begun) return { faults: new Map(), faulty: true }
  const faults = asked.error ? new Map([['', asked.error.message]]) : (asked.value ?? new Map<string, string>())
  return { faults, faulty: faults.size > 0 || settled !== text || asked.asking || asked.value === undefined }
}

/** Editor is a suppression as a form. */
export function Editor({ editor: e, standing }: { editor: EditorState; standing: Standing | undefined }) {
  const lacks = useMay('configure')
  const zone = useZone()
  useKeys([
    { keys: 'Mod+s', does: 'save', act: () => lacks === '' && void e.save(), always: true },
    { keys: 'Escape', does: 'back to the list', act: () => go('/suppressions') },
  ])
  const d = e.draft
  const text = (field: 'name' | 'ruleQuery' | 'query' | 'exclusion', label: string, mono: boolean, hint = '') => (
    <input id={field} class={'field' + (mono ? ' mono' : '')} aria-label={label} value={d[field]} placeholder={hint} disabled={lacks !== ''} title={lacks} spellcheck={!mono} onInput={(ev) => e.set({ [field]: ev.currentTarget.value })} />
  )
  const known = new Set(['name', 'description', 'rule_query', 'suppression_query', 'data_exclusion_query', 'start_date', 'expiration_date', 'tags'])
  return (
    <div class="keeping-fields">
      {lacks !== '' && <p class="mut small">Changing it {lacks}.</p>}
      {[...e.faults].filter(([at]) => !known.has(at)).map(([at, said]) => <p key={at} class="critical small" role="alert">{at !== '' && <code>{at} </code>}{oneLine(said, 500)}</p>)}
      <Field label="Name" for="name" fault={e.faults.get('name')}>{text('name', 'Name', false)}</Field>
      <Field label="Why" for="why" fault={e.faults.get('description')}>
        <textarea id="why" class="field" rows={2} value={d.description} placeholder="So that whoever finds it knows" disabled={lacks !== ''} title={lacks} onInput={(ev) => e.set({ description: ev.currentTarget.value })} />
      </Field>
      <Field label="Of rules" for="ruleQuery" fault={e.faults.get('rule_query')} note={<Selected standing={standing} changed={e.changed || e.isNew} />}>{text('ruleQuery', 'Query of rules', true, 'id:… or source:cloudtrail')}</Field>
      <Field label="Hide signals" for="query" fault={e.faults.get('suppression_query')} note="Those it finds are withheld, and counted here.">{text('query', 'Query of signals to hide', true, '@usr.id:backup')}</Field>
      <Field label="Leave out events" for="exclusion" fault={e.faults.get('data_exclusion_query')} note="Those it finds never reach these rules. They make no signal, so nothing of them is counted.">{text('exclusion', 'Query of events to leave out', true, 'host:scanner')}</Field>
      <Moment label="From" of={d.from} zone={zone} none="from when it was stored" lacks={lacks} fault={e.faults.get('start_date')} set={(from) => e.set({ from })} />
      <Moment label="Until" of={d.until} zone={zone} none="without end" lacks={lacks} fault={e.faults.get('expiration_date')} set={(until) => e.set({ until })} />
      <Field label="Tags" for="tags" fault={e.faults.get('tags')}>
        <TypedInput id="tags" class="field mono" value={d.tags.join(' ')} placeholder="team:soc ticket:1234" disabled={lacks !== ''} title={lacks} take={(tags) => e.set({ tags: tags.split(/\s+/).filter((t) => t !== '').sort() })} />
      </Field>
    </div>
  )
}

function Selected({ standing, changed }: { standing: Standing | undefined; changed: boolean }) {
  if (changed || !standing) return <>A search over rules.</>
  if (standing.rulesTotal === 0) return <span class="high">It finds no rule, so nothing is hidden.</span>
  return (
    <>
      {standing.rules.slice(0, 5).map((r, i) => <span key={r.id}>{i > 0 && ', '}<a class="link" href={pathOf(['rules', r.id])}>{oneLine(r.name, 80)}</a>{!r.enabled && ' (disabled)'}</span>)}
      {standing.rulesTotal > 5 && <> and {count(standing.rulesTotal - 5)} more</>}
    </>
  )
}

function Field({ label, for: id, fault, note, children }: { label: string; for: string; fault?: string | undefined; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="keeping-field">
      <label for={id}>{label}</label>
      <div>
        {children}
        {fault !== undefined && fault !== '' ? <p class="critical small" role="alert">{oneLine(fault, 500)}</p> : note !== undefined && <p class="mut small">{note}</p>}
      </div>
    </div>
  )
}

/** Moment is a time in the person's zone, or none. */
function Moment({ label, of, zone, none, lacks, fault, set }: { label: string; of: number | undefined; zone: Zone; none: string; lacks: string; fault: string | undefined; set: (at: number | undefined) => void }) {
  const [wrong, setWrong] = useState('')
  const id = label.toLowerCase()
  const take = (text: string) => {
    const at = text.trim() === '' ? undefined : momentOf(text.trim(), zone)
    setWrong(at === undefined && text.trim() !== '' ? 'Write it as 2026-12-19 16:21.' : '')
    if (at !== undefined || text.trim() === '') set(at)
  }
  return (
    <Field label={label} for={id} fault={wrong || fault}>
      <div class="keeping-moment">
        <TypedInput id={id} class="field" placeholder="2026-12-19 16:21" value={of === undefined ? '' : typed(of, zone)} disabled={lacks !== ''} title={lacks} take={take} />
        <span class="mut">{zoneName(zone)}</span>
        {of === undefined ? <span class="mut">{none}</span> : <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => (setWrong(''), set(undefined))}>{none}</button>}
      </div>
    </Field>
  )
}

const two = (n: number): string => String(n).padStart(2, '0')

/** typed is a moment as somebody writes it. */
function typed(at: number, zone: Zone): string {
  const d = new Date(at)
  if (zone === 'utc') return d.toISOString().slice(0, 16).replace('T', ' ')
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`
}

function momentOf(text: string, zone: Zone): number | undefined {
  const m = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?$/.exec(text)
  return m ? Date.parse(`${m[1]}T${m[2] ?? '00:00'}${zone === 'utc' ? 'Z' : ''}`) || undefined : undefined
}
