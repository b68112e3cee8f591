import { useState } from 'preact/hooks'
import { createThreatList, updateThreatList, type ThreatList, type ThreatListSaid } from '../../../api/intel'
import { faultsOf, FormFaults, FormRow, type Fault } from '../../../parts/form-row'
import { tell } from '../../../state/done'
import { oneLine } from '../../../state/text'

const fresh: ThreatListSaid = { name: '', url: '', file: '', format: 'auto', type: '', category: '', intention: '', refresh: '1h', headers: {}, enabled: true }
const rows = ['name', 'url', 'file', 'format', 'type', 'category', 'intention', 'refresh', 'headers']

/** ListForm adds a list, or changes one; it is read at once. */
export function ListForm({ of: l, close, onDone }: { of: ThreatList | undefined; close: () => void; onDone: () => void }) {
  const [said, setSaid] = useState<ThreatListSaid>(l ? { name: l.name, url: l.url, file: l.file, format: l.format || 'auto', type: l.type, category: l.category, intention: l.intention, refresh: l.refresh, headers: l.headers, enabled: l.enabled } : fresh)
  const [faults, setFaults] = useState<Fault[]>([])
  const [headers, setHeaders] = useState(Object.entries(said.headers).map(([k, v]) => `${k}: ${v}`).join('\n'))
  const [sending, setSending] = useState(false)
  const put = (more: Partial<ThreatListSaid>) => setSaid({ ...said, ...more })
  const text = (at: 'name' | 'url' | 'file' | 'category' | 'refresh', label: string, hint?: string) => (
    <FormRow label={label} at={at} faults={faults} hint={hint}>{(id, by) => <input id={id} aria-describedby={by} class="field" required={at === 'name'} value={said[at]} onInput={(e) => put({ [at]: e.currentTarget.value })} />}</FormRow>
  )
  const choice = (at: 'format' | 'type' | 'intention', label: string, of: [string, string][]) => (
    <FormRow label={label} at={at} faults={faults}>{(id, by) => <select id={id} aria-describedby={by} class="field" value={said[at]} onChange={(e) => put({ [at]: e.currentTarget.value })}>{of.map(([v, title]) => <option key={v} value={v}>{title}</option>)}</select>}</FormRow>
  )
  const send = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    setFaults([])
    const all = Object.fromEntries(headers.split('\n').filter((h) => h.includes(':')).map((h) => [h.slice(0, h.indexOf(':')).trim(), h.slice(h.indexOf(':') + 1).trim()]))
    try {
      const is = await (l ? updateThreatList(l.id, { ...said, headers: all }) : createThreatList({ ...said, headers: all }))
      tell(is.error === '' ? { text: `${oneLine(is.name, 80)} is ${l ? 'changed' : 'added'}.` } : { text: `${oneLine(is.name, 80)} is kept, and could not be read: ${oneLine(is.error, 200)}`, failed: true })
      onDone()
      close()
    } catch (err) {
      setFaults(faultsOf(err))
      setSending(false)
    }
  }
  return (
    <form class="table-form" aria-label={l ? 'Change a list' : 'Add a list'} onSubmit={(e) => void send(e)}>
      {text('name', 'Name', 'Letters, digits, - and _; rules ask for table threat_NAME.')}
      {text('url', 'URL')}
      {text('file', 'Or file', 'The name of a file in the folder intel of the data folder.')}
      {choice('format', 'Format', [['auto', 'as it looks'], ['list', 'a value a line'], ['csv', 'CSV'], ['misp', 'MISP'], ['stix', 'STIX'], ['taxii', 'TAXII']])}
      {choice('type', 'Its values are', [['', 'as they look'], ['IP', 'addresses'], ['DOMAIN', 'domains'], ['URL', 'URLs'], ['HASH', 'hashes']])}
      {text('category', 'Category', 'Of indicators of which the list says none: malware, tor, scanner, …')}
      {choice('intention', 'Intention', [['', 'not said'], ['malicious', 'malicious'], ['suspicious', 'suspicious'], ['benign', 'benign'], ['unknown', 'unknown']])}
      {text('refresh', 'Read every', 'Such as 30m or 1d.')}
      <FormRow label="Headers" at="headers" faults={faults} hint="One a line, as in Authorization: secret:NAME, where NAME is that of a secret of the engine.">{(id, by) => <textarea id={id} aria-describedby={by} class="field mono" rows={2} value={headers} onInput={(e) => setHeaders(e.currentTarget.value)} />}</FormRow>
      <label class="list-enabled"><input type="checkbox" checked={said.enabled} onChange={(e) => put({ enabled: e.currentTarget.checked })} /> It is on</label>
      <FormFaults faults={faults} rows={rows} />
      <p class="keep-actions"><button class="button main" disabled={sending}>{l ? 'Keep it' : 'Add it'}</button><button type="button" class="button quiet" onClick={close}>Leave it</button></p>
    </form>
  )
}
