import { verifyAudit, type Chain as Of } from '../../api/audit'
import { Known } from '../../parts/keep'
import { useAsk } from '../../state/ask'
import { dayAndClock, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'

/** Chain says whether the log is whole: each entry has the hash of the one before, so that none can be changed or taken out unseen. */
export function Chain() {
  const chain = useAsk('audit chain', verifyAudit, 'keep')
  const zone = useZone()
  return (
    <Known of={chain}>
      {(c) => (
        <div class="keep-line">
          <b>Chain</b>
          <span class="say"><Said of={c} /> <span class="mut">Read through {dayAndClock(chain.at, zone)} {zoneName(zone)}.</span></span>
          <button class="button" disabled={chain.asking} onClick={chain.again}>{chain.asking ? 'Reading…' : 'Verify again'}</button>
        </div>
      )}
    </Known>
  )
}

function Said({ of: c }: { of: Of }) {
  if (c.rows === 0) return <>No entry yet.{c.waiting > 0 && ` ${plural(c.waiting, 'entry waits', 'entries wait')} for the table.`}</>
  return (
    <>
      {c.whole ? <><span class="good">Whole</span>: verified until entry {count(c.last)}, {plural(c.rows, 'entry', 'entries')} from {count(c.first)} on.</> : <span class="critical">Broken in {plural(c.faults.length, 'place')}: {c.faults.slice(0, 5).map((f) => `entry ${count(f.seq)}: ${oneLine(f.reason, 200)}`).join('; ')}.</span>}
      {c.gaps.length > 0 && <span class="medium"> {plural(c.gaps.length, 'number is', 'stretches of numbers are')} not there: {c.gaps.slice(0, 5).map((g) => (g.first === g.last ? count(g.first) : `${count(g.first)} to ${count(g.last)}`)).join(', ')}.</span>}
      {c.lost > 0 && <span class="critical"> {plural(c.lost, 'entry', 'entries')} could not be kept since the start.</span>}
      {c.waiting > 0 && <span class="mut"> {plural(c.waiting, 'entry waits', 'entries wait')} for the table.</span>}
    </>
  )
}
