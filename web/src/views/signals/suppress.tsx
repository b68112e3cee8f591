import { useState } from 'preact/hooks'
import { createSuppression, deleteSuppression, previewSuppression, type HiddenSignal, type Draft } from '../../api/suppressions'
import { countFacets } from '../../api/facets'
import type { Signal } from '../../api/signals'
import { Dialog } from '../../parts/dialog'
import { Late } from '../../parts/asking'
import { Problem } from '../../parts/problem'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { useSettled } from '../../state/settled'
import { day, dayAndMinutes, zoneName } from '../../state/time'
import { count, oneLine, plural, term } from '../../state/text'

const spans: [string, number | undefined][] = [['1 day', 1], ['7 days', 7], ['30 days', 30], ['90 days', 90], ['without end', undefined]]

/** queryOf is a search that finds the signals that are about the same as these. */
function queryOf(signals: Signal[]): string {
  const each = signals.map((s) => s.group.flatMap((v, i) => (v === '' || v === 'N/A' ? [] : [term(s.groupBy[i] ?? '', v)])).join(' '))
  const different = [...new Set(each)].filter((q) => q !== '')
  return different.length > 1 ? different.map((q) => (q.includes(' ') ? `(${q})` : q)).join(' OR ') : (different[0] ?? '')
}

/** rowsOf is how many lines a query is shown in, whole if it is not very long. */
const rowsOf = (query: string): number => Math.max(1, Math.min(6, Math.ceil(query.length / 40)))

const none: Signal[] = []

/** Suppress keeps signals like this one, and others of its rule, from being shown, after it has said which it would have hidden. */
export function Suppress({ signal, others = none, done }: { signal: Signal; others?: Signal[]; done?: () => void }) {
  const [query, setQuery] = useState(queryOf([signal, ...others]))
  const asked = useSettled(query, 400)
  const [days, setDays] = useState<number | undefined>(7)
  const [saving, setSaving] = useState(false)
  const lacks = useMay('configure')
  const unseen = useMay('preview')
  const until = days === undefined ? undefined : Date.now() + days * 864e5
  const suppression: Draft = { name: `${signal.title}: ${signal.group.join(', ')}`.slice(0, 200), description: `From the signal ${signal.id}.`, enabled: true, ruleQuery: 'id:' + signal.ruleID, query: asked, exclusion: '', from: undefined, until, tags: [] }
  const preview = useAsk(asked.trim() === '' || unseen !== '' ? null : `${signal.ruleID} ${signal.version} ${asked}`, (stop) => previewSuppression(suppression, stop), 'keep')
  const all = useAsk(unseen !== '' ? null : 'of the rule ' + signal.ruleID, (stop) => countFacets({ query: term('rule_id', signal.ruleID), from: 'now-90d', to: '' }, [], 1, stop))
  const save = async () => {
    setSaving(true)
    try {
      const { id } = await createSuppression({ ...suppression, query })
      tell({ text: `Suppressed ${until === undefined ? 'without end' : 'until ' + dayAndMinutes(until)}.`, undo: () => void takeBack(id) })
      done?.()
    } catch (e) {
      tell({ text: `Not suppressed: ${(e as Error).message}`, failed: true })
    }
    setSaving(false)
  }
  const bad = preview.value?.hidden.filter((h) => h.reason === 'true_positive_malicious') ?? []
  return (
    <div class="suppress">
      <textarea class="field mono" aria-label="Query of signals to suppress" rows={rowsOf(query)} value={query} spellcheck={false} onInput={(e) => setQuery(e.currentTarget.value.replace(/\n/g, ' '))} onKeyDown={(e) => e.stopPropagation()} />
      {preview.error ? <Problem error={preview.error} /> : (
        <dl class="facts narrow" aria-busy={preview.asking}>
          <div><dt>In 90 days</dt><dd>{unseen !== '' ? <span class="mut">{unseen}</span> : preview.value ? <>would have hidden <b class="strong">{count(preview.value.total)}</b> {all.value && all.value.total >= preview.value.total && <>of {count(all.value.total)} </>}{(all.value?.total ?? preview.value.total) === 1 ? 'signal' : 'signals'}</> : <><Late of={preview} /><i class="bone" /></>}</dd></div>
          {preview.value && bad.length > 0
            ? <div class="critical"><dt class="critical">Among them</dt><dd><Positives bad={bad} atLeast={preview.value.truncated} /></dd></div>
            : <div><dt>Among them</dt><dd>{preview.value ? <>no true positive{preview.value.truncated && ' in the first 1,000'}</> : unseen === '' ? <i class="bone" /> : '–'}</dd></div>}
          <div>
            <dt><label for="until">Until</label></dt>
            <dd>
              <select id="until" class="plain" value={days ?? ''} onChange={(e) => setDays(e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))}>
                {spans.map(([name, d]) => <option key={name} value={d ?? ''}>{name}</option>)}
              </select>
              {until !== undefined && <span class="mut"> {dayAndMinutes(until)} {zoneName()}</span>}
            </dd>
          </div>
        </dl>
      )}
      <div class="actions">
        <button class="button" title={lacks} disabled={saving || lacks !== '' || query.trim() === '' || query !== asked || !preview.value} onClick={() => void save()}>
          {bad.length > 0 ? 'Suppress anyway' : 'Suppress'}
        </button>
        {lacks !== '' && <span class="mut small">{lacks}</span>}
      </div>
    </div>
  )
}

function Positives({ bad, atLeast }: { bad: HiddenSignal[]; atLeast: boolean }) {
  const newest = bad.at(-1)
  return <>{atLeast && 'at least '}<b>{plural(bad.length, 'true positive')}</b>{newest && <>, {bad.length > 1 && 'the last '}<a href={'/signals/' + newest.id}>{day(newest.firstSeen)}</a></>}</>
}

async function takeBack(id: string): Promise<void> {
  try {
    await deleteSuppression(id)
    tell({ text: 'The suppression is deleted. What it hid meanwhile stays hidden.' })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
}

/** SuppressDialog suppresses a rule for what signals are about; of several rules, one after the other. */
export function SuppressDialog({ signals, close }: { signals: Signal[]; close: () => void }) {
  const rules = [...new Map(signals.map((s) => [s.ruleID, s.ruleName]))]
  const [rule, setRule] = useState(rules[0]?.[0] ?? '')
  const [first, ...others] = signals.filter((s) => s.ruleID === rule)
  return (
    <Dialog title={signals.length === 1 ? 'Suppress this rule for' : `Suppress a rule for ${plural(1 + others.length, 'signal')}`} close={close} class="suppress-dialog">
      {rules.length > 1 && (
        <label class="form-row">
          <span>Rule</span>
          <select class="field" value={rule} onChange={(e) => setRule(e.currentTarget.value)}>{rules.map(([id, name]) => <option key={id} value={id}>{oneLine(name, 100)}</option>)}</select>
        </label>
      )}
      {rules.length > 1 && <p class="small mut">The signals are of {rules.length} rules; a suppression is of one.</p>}
      {first && <Suppress key={rule} signal={first} others={others} done={close} />}
    </Dialog>
  )
}
