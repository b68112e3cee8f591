import { useState } from 'preact/hooks'
import { deleteThreatList, listThreatLists, lookUp, refreshThreatList, type ThreatList } from '../../../api/intel'
import { Confirm } from '../../../parts/confirm'
import { Known, Nothing, Section } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { Problem } from '../../../parts/problem'
import { change, pathOf, useAddress } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { age } from '../../../state/time'
import { count, oneLine, plural } from '../../../state/text'
import { ListForm } from './form'

/** Intel is the threat lists: what of the world outside is known to be bad, and how fresh that is. */
export default function Intel() {
  const { query } = useAddress()
  const lists = useAsk('threat lists', listThreatLists, 'keep')
  useEvery(5000, lists.refresh)
  const lacks = useMay('configure')
  const [deleting, setDeleting] = useState<ThreatList | undefined>()
  const open = query.get('list')
  const add = <button class="button main" disabled={lacks !== ''} title={lacks} onClick={() => change({ list: 'new' })}>Add a list</button>
  const cells: Cell<ThreatList>[] = [
    { title: 'List', cell: (l) => <><b class="hi">{oneLine(l.name, 80)}</b>{!l.enabled && <span class="mut"> off</span>}<div class="small mut list-place">{oneLine(l.url || `file ${l.file}`, 200)}; {plural(l.indicators, 'indicator')}</div></> },
    { title: 'Indicators', number: true, minor: true, cell: (l) => <a class="link" href={pathOf(['search'], { query: `@threat_intel.results.source.name:${l.name}`, from: 'now-7d' })} title="Events that were marked with it">{count(l.indicators)}<span class="unseen"> of {oneLine(l.name, 60)}: events with one</span></a> },
    { title: 'Last read', cell: (l) => <Read of={l} /> },
    { title: 'Left out', minor: true, cell: (l) => <Skipped of={l} /> },
    { title: 'Every', minor: true, cell: (l) => l.refresh || '1h' },
    { title: 'Do', cell: (l) => <Acts of={l} lacks={lacks} again={lists.again} onDelete={() => setDeleting(l)} /> },
  ]
  return (
    <>
      <p class="place-lead">Addresses, domains, hashes and URLs that somebody warns of. Events that have one are marked as they come in, and rules ask for <code>@threat_intel</code>.</p>
      <Known of={lists}>
        {(all) => (
          <>
            <p class="keep-actions">{all.length > 0 && add}{lacks !== '' && <span class="small mut">Adding and reading lists {lacks}.</span>}</p>
            {open !== null && lacks === '' && (open === 'new' || all.some((l) => l.id === open)) && <ListForm key={open} of={all.find((l) => l.id === open)} close={() => change({ list: undefined })} onDone={lists.again} />}
            {all.length === 0 ? open !== 'new' && <Nothing title="No threat list is read yet"><p>A list is a URL or a file: a value a line, CSV, MISP, STIX or TAXII.</p><p class="keep-actions">{add}</p></Nothing>
              : <Listing name="Threat lists" cells={cells} rows={[...all].sort((a, b) => Number(b.error !== '') - Number(a.error !== '') || a.name.localeCompare(b.name))} keyOf={(l) => l.id} />}
            {all.flatMap((l) => l.problems.slice(0, 5).map((p) => <p key={l.id + p} class="small medium">{oneLine(l.name, 60)}: {oneLine(p, 300)}</p>))}
          </>
        )}
      </Known>
      <LookUp />
      {deleting && (
        <Confirm title={`Delete ${oneLine(deleting.name, 80)}?`} verb="Delete" close={() => setDeleting(undefined)} act={async () => (await deleteThreatList(deleting.id), lists.again(), `${oneLine(deleting.name, 80)} is deleted.`)}>
          <p>{plural(deleting.indicators, 'indicator')} and the table <code>{oneLine(deleting.table, 80)}</code> go with it. Events keep their marks.</p>
        </Confirm>
      )}
    </>
  )
}

function Read({ of: l }: { of: ThreatList }) {
  if (l.error !== '') return <span class="critical list-place">failed {l.tried > 0 && `${age(l.tried)} ago`}: {oneLine(l.error, 300)}{l.refreshed > 0 && <span class="mut"> What was read {age(l.refreshed)} ago is in force.</span>}</span>
  return l.refreshed > 0 ? <span class="sure">{age(l.refreshed)} ago</span> : <span class="mut">not yet</span>
}

function Skipped({ of: l }: { of: ThreatList }) {
  const all = Object.entries(l.skipped).filter(([, n]) => n > 0)
  return all.length === 0 ? <span class="mut">none</span> : <span class="small">{all.map(([why, n]) => `${count(n)} ${oneLine(why, 60)}`).join(', ')}</span>
}

function Acts({ of: l, lacks, again, onDelete }: { of: ThreatList; lacks: string; again: () => void; onDelete: () => void }) {
  const refresh = async () => {
    try {
      await refreshThreatList(l.id)
      tell({ text: `${oneLine(l.name, 80)} is being read.` })
    } catch (e) {
      tell({ text: `It was not read: ${(e as Error).message}`, failed: true })
    }
    again()
  }
  const name = <span class="unseen"> {oneLine(l.name, 60)}</span>
  return (
    <span class="sure row-acts">
      <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void refresh()}>Read now{name}</button>
      <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => change({ list: l.id })}>Change{name}</button>
      <button class="link" disabled={lacks !== ''} title={lacks} onClick={onDelete}>Delete{name}</button>
    </span>
  )
}

/** LookUp says what the lists have of a value. */
function LookUp() {
  const { query } = useAddress()
  const value = query.get('value') ?? ''
  const [text, setText] = useState(value)
  const found = useAsk(value === '' ? null : 'look up ' + value, (stop) => lookUp(value, stop))
  return (
    <Section title="Is a value on a list?">
      <form class="keep-form" onSubmit={(e) => (e.preventDefault(), change({ value: text.trim() }))}>
        <label>Address, domain, hash or URL <input class="field mono" value={text} spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} /></label>
        <button class="button" disabled={text.trim() === ''}>Look it up</button>
      </form>
      {found.error && value !== '' && <Problem error={found.error} again={found.again} />}
      {value !== '' && found.value && <div role="status" class="keep-note">{found.value.length === 0 ? <p>No list has {oneLine(value, 200)}.</p> : found.value.map((i) => <p key={i.list + i.indicator}><b class="hi">{oneLine(i.list, 80)}</b> has <code>{oneLine(i.indicator, 200)}</code>: {[i.type, i.category, i.intention, i.about].filter((x) => x !== '').map((x) => oneLine(x, 120)).join(', ')}</p>)}</div>}
    </Section>
  )
}
