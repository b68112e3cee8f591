import { useState } from 'preact/hooks'
import { listAudit, type AuditFilter, type Entry } from '../../api/audit'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { TimeRange } from '../../parts/time-range'
import { change, pathOf, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { dayAndClock, useZone, zoneName } from '../../state/time'
import { oneLine } from '../../state/text'
import { Chain } from './audit-chain'
import { Export } from './audit-export'

const look: Record<string, string> = { refused: 'critical', failed: 'high', begun: 'mut', done: '' }
const kinds: Record<string, string> = { change: 'changes', keys: 'keys and people', 'sign-in': 'sign-ins', refusal: 'refusals', response: 'responses', deletion: 'deletions', sql: 'SQL' }
const page = 200
/** The kinds of calls that people know by the page, by the end of an action. */
const actionOf = (e: Entry): string => e.action.replace(/^.*\//, '')

/** ended leaves out that a call began where it stands how it ended; one that was cut short stays. */
function ended(all: Entry[]): Entry[] {
  const over = new Set(all.filter((e) => e.outcome !== 'begun' && e.request !== '').map((e) => e.request))
  return all.filter((e) => e.outcome !== 'begun' || !over.has(e.request))
}

/** Audit is who did what, the newest first, and whether the log is whole. */
export function Audit() {
  const { query } = useAddress()
  const filter: AuditFilter = { from: query.get('from') ?? '', to: query.get('to') ?? '', caller: query.get('caller') ?? '', kind: query.get('kind') ?? '', outcome: query.get('outcome') ?? '', object: query.get('object') ?? '', text: query.get('text') ?? '' }
  const key = JSON.stringify(filter)
  const [pages, setPages] = useState<{ of: string; n: number }>({ of: key, n: 1 })
  const shown = pages.of === key ? pages.n : 1
  const entries = useAsk(`audit ${key} ${shown}`, (stop) => listAudit(filter, 0, page * shown, stop), 'keep')
  const zone = useZone()
  const only = (name: keyof AuditFilter, value: string, text = oneLine(value, 120)) => (value === '' ? null : <button class="value" title={`only these`} onClick={() => change({ [name]: value })}>{text}</button>)
  const cells: Cell<Entry>[] = [
    { title: zoneName(zone), cell: (e) => <span class="sure">{dayAndClock(e.at, zone)}</span> },
    { title: 'Who', cell: (e) => <>{only('caller', e.caller) ?? <span class="mut">nobody known</span>} <span class="small mut">{e.role}</span></> },
    { title: 'Did', cell: (e) => <code class="ops-did whole">{oneLine(actionOf(e), 120)}{e.count > 1 && ` × ${e.count}`}</code> },
    { title: 'Outcome', cell: (e) => <span class={look[e.outcome] ?? ''}>{e.outcome}</span> },
    { title: 'About', minor: true, cell: (e) => <>{only('object', e.object, oneLine(e.object, 200))} {oneLine(e.detail, 300)} {toRule(e)}</> },
    { title: 'From', minor: true, cell: (e) => <code class="whole">{oneLine(e.address, 80)}</code> },
  ]
  const filtered = Object.values(filter).some((v) => v !== '')
  return (
    <>
      <Chain />
      <div class="keep-form">
        <TimeRange range={filter} onChange={(r) => change({ from: r.from, to: r.to })} />
        <Text label="Who" value={filter.caller} set={(v) => change({ caller: v }, 'replace')} />
        <label>What <select class="field" value={filter.kind} onChange={(e) => change({ kind: e.currentTarget.value })}><option value="">anything</option>{Object.entries(kinds).map(([k, title]) => <option key={k} value={k}>{title}</option>)}</select></label>
        <label>Outcome <select class="field" value={filter.outcome} onChange={(e) => change({ outcome: e.currentTarget.value })}>{['', 'begun', 'done', 'failed', 'refused'].map((o) => <option key={o} value={o}>{o || 'any'}</option>)}</select></label>
        <Text label="About" value={filter.object} set={(v) => change({ object: v }, 'replace')} />
        <Text label="With the words" value={filter.text} set={(v) => change({ text: v }, 'replace')} />
        <Export filter={filter} />
      </div>
      <Known of={entries}>
        {(all) => all.length === 0 ? (
          <Nothing title="No entry is so"><p>{filtered ? <button class="link" onClick={() => change({ from: '', to: '', caller: '', kind: '', outcome: '', object: '', text: '' })}>Show all entries</button> : 'Nothing was changed yet.'}</p></Nothing>
        ) : (
          <>
            <Listing name="Audit log" cells={cells} rows={filter.outcome === '' ? ended(all) : all} keyOf={(e) => String(e.seq)} />
            {all.length === page * shown && shown * page < 10_000 && <p class="keep-actions"><button class="button" disabled={entries.asking} onClick={() => setPages({ of: key, n: shown + 1 })}>{page} more</button><span class="small mut">The newest {all.length} are here.</span></p>}
          </>
        )}
      </Known>
    </>
  )
}

/** toRule leads from a change of one rule to what was changed, which its versions say. */
function toRule(e: Entry) {
  const id = /^[a-z0-9]{3}-[a-z0-9]{3}-[a-z0-9]{3}/.exec(e.object)?.[0]
  return id && /RuleService\/(Create|Update|Restore)Rule$/.test(e.action) ? <a class="link" href={pathOf(['rules', id])}>its versions</a> : null
}

const Text = ({ label, value, set }: { label: string; value: string; set: (v: string) => void }) => <label>{label} <input class="field" value={value} onInput={(e) => set(e.currentTarget.value)} /></label>
