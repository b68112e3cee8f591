import { useState } from 'preact/hooks'
import { endMute, listMutes, makeMute, type Mute } from '../../../api/notifications'
import { Dialog } from '../../../parts/dialog'
import { FormFaults, FormRow, faultsOf, type Fault } from '../../../parts/form-row'
import { Known, Section } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { pathOf } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { dayAndMinutes, duration, useZone, zoneName } from '../../../state/time'
import { oneLine } from '../../../state/text'

/** Mutes are times in which nobody is told of some signals; those that are over are not shown. */
export function Mutes() {
  const mutes = useAsk('mutes', listMutes, 'keep')
  const [making, setMaking] = useState(false)
  const lacks = useMay('notify')
  const zone = useZone()
  const unmute = async (m: Mute) => {
    try {
      await endMute(m.id)
      tell({ text: 'The mute is over.', undo: () => void makeMute(m.query, new Date(m.until).toISOString(), m.reason).then(mutes.again) })
    } catch (e) {
      tell({ text: `It was not ended: ${(e as Error).message}`, failed: true })
    }
    mutes.again()
  }
  const cells: Cell<Mute>[] = [
    { title: 'Signals', cell: (m) => <a class="link" href={pathOf(['signals'], { query: m.query, from: 'now-30d' })}><code>{oneLine(m.query, 200) || 'all'}</code></a> },
    { title: 'Until', cell: (m) => <>{dayAndMinutes(m.until, zone)} {zoneName(zone)} <span class="mut">{m.from > Date.now() ? `begins in ${duration(m.from - Date.now())}` : `${duration(m.until - Date.now())} left`}</span></> },
    { title: 'Why', minor: true, cell: (m) => oneLine(m.reason, 300) },
    { title: 'End', cell: (m) => <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void unmute(m)}>Unmute<span class="unseen"> {oneLine(m.reason, 80)}</span></button> },
  ]
  return (
    <Section title="Mutes" note="of maintenance: nobody is told, signals are there all the same">
      <Known of={mutes}>
        {(all) => {
          const open = all.filter((m) => m.until > Date.now()).sort((a, b) => a.until - b.until)
          return open.length === 0 ? <p class="mut">None.</p> : <Listing name="Mutes" cells={cells} rows={open} keyOf={(m) => m.id} />
        }}
      </Known>
      <p class="keep-actions"><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setMaking(true)}>Mute…</button></p>
      {making && <NewMute close={() => setMaking(false)} onMade={mutes.again} />}
    </Section>
  )
}

const lengths = [['1h', 'an hour'], ['4h', '4 hours'], ['1d', 'a day'], ['7d', 'a week'], ['30d', '30 days'], ['90d', '90 days']] as const

function NewMute({ close, onMade }: { close: () => void; onMade: () => void }) {
  const [query, setQuery] = useState('')
  const [length, setLength] = useState('4h')
  const [reason, setReason] = useState('')
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  const make = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      await makeMute(query.trim(), 'now+' + length, reason.trim())
      tell({ text: `Nobody is told of ${query.trim() === '' ? 'any signal' : 'these signals'} for ${lengths.find(([l]) => l === length)?.[1]}.` })
      onMade()
      close()
    } catch (error) {
      setFaults(faultsOf(error))
      setSending(false)
    }
  }
  return (
    <Dialog title="Mute" close={close} class="keep-dialog">
      <form class="form" onSubmit={(e) => void make(e)}>
        <FormRow label="Signals" at="query" faults={faults} hint="As in a search of signals, such as host:web-1. Empty: all.">{(id, said) => <input id={id} class="field mono" spellcheck={false} aria-describedby={said} autofocus value={query} onInput={(e) => setQuery(e.currentTarget.value)} />}</FormRow>
        <FormRow label="For" at="until" faults={faults}>{(id) => <select id={id} class="field short" value={length} onChange={(e) => setLength(e.currentTarget.value)}>{lengths.map(([l, title]) => <option key={l} value={l}>{title}</option>)}</select>}</FormRow>
        <FormRow label="Why" at="reason" faults={faults}>{(id) => <input id={id} class="field" required value={reason} onInput={(e) => setReason(e.currentTarget.value)} />}</FormRow>
        <FormFaults faults={faults} rows={['query', 'until', 'reason']} />
        <div class="keep-actions">
          <button class="button main" disabled={sending || reason.trim() === ''}>Mute</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}
