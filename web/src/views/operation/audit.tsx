import { listAudit, type Entry } from '../../api/access'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { change, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { dayAndClock, useZone, zoneName } from '../../state/time'
import { oneLine } from '../../state/text'

const look: Record<string, string> = { refused: 'critical', failed: 'high', begun: 'mut', done: '' }

/** Audit is who did what, the newest first. */
export function Audit() {
  const { query } = useAddress()
  const text = query.get('text') ?? ''
  const outcome = query.get('outcome') ?? ''
  const entries = useAsk(`audit ${text} ${outcome}`, (stop) => listAudit({ text, outcome }, stop), 'keep')
  const zone = useZone()
  const cells: Cell<Entry>[] = [
    { title: zoneName(zone), cell: (e) => <span class="sure">{dayAndClock(e.at, zone)}</span> },
    { title: 'Who', cell: (e) => <>{oneLine(e.caller, 80) || <span class="mut">nobody known</span>} <span class="small mut">{e.role}</span></> },
    { title: 'Did', cell: (e) => <code>{oneLine(e.action.replace(/^.*\//, ''), 120)}{e.count > 1 && ` × ${e.count}`}</code> },
    { title: 'Outcome', cell: (e) => <span class={look[e.outcome] ?? ''}>{e.outcome}</span> },
    { title: 'About', minor: true, cell: (e) => oneLine([e.object, e.detail].filter((x) => x !== '').join(': '), 300) },
    { title: 'From', minor: true, cell: (e) => <code>{oneLine(e.address, 80)}</code> },
  ]
  return (
    <>
      <div class="keep-form">
        <label>With the words <input class="field" value={text} onInput={(e) => change({ text: e.currentTarget.value }, 'replace')} /></label>
        <label>Outcome <select class="field" value={outcome} onChange={(e) => change({ outcome: e.currentTarget.value })}>{['', 'begun', 'done', 'failed', 'refused'].map((o) => <option key={o} value={o}>{o || 'any'}</option>)}</select></label>
      </div>
      <Known of={entries}>
        {(all) => all.length === 0 ? <Nothing title="No entry is so"><p>{text + outcome === '' ? 'Nothing was changed yet.' : 'Take a word out to see more.'}</p></Nothing> : (
          <><Listing name="Audit log" cells={cells} rows={all} keyOf={(e) => String(e.seq)} />{all.length === 200 && <p class="small mut">The newest 200. <code>nightjar audit</code> lists more, and verifies the chain.</p>}</>
        )}
      </Known>
    </>
  )
}
