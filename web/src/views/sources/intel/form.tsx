import { useState } from 'preact/hooks'
import { createThreatList, updateThreatList, type ThreatList, type ThreatListSaid } from '../../../api/intel'
import { FormRow, type Fault } from '../../../parts/form-row'
import { SentForm } from '../../../parts/sent-form'
import type { Done } from '../../../state/done'
import { oneLine } from '../../../state/text'

const fresh: ThreatListSaid = { name: '', url: '', file: '', format: 'auto', type: '', category: '', intention: '', refresh: '1h', headers: {}, enabled: true }
const rows = ['name', 'url', 'file', 'format', 'type', 'category', 'intention', 'refresh', 'headers']

/** ListForm adds a list, or changes one; it is read at once. */
export function ListForm({ of: l, close, onDone }: { of: ThreatList | undefined; close: () => void; onDone: () => void }) {
  const [said, setSaid] = useState<ThreatListSaid>(l ? { name: l.name, url: l.url, file: l.file, format: l.format || 'auto', type: l.type, category: l.category, intention: l.intention, refresh: l.refresh, headers: l.headers, enabled: l.enabled } : fresh)
  const [headers, setHeaders] = useState(Object.entries(said.headers).map(([k, v]) => `${k}: ${v}`).join('\n'))
  const put = (more: Partial<ThreatListSaid>) => setSaid({ ...said, ...more })
  const text = (faults: Fault[], at: 'name' | 'url' | 'file' | 'category' | 'refresh', label: string, hint?: string) => (
    <FormRow label={label} at={at} faults={faults} hint={hint}>{(id, by) => <input id={id} aria-describedby={by} class="field" required={at === 'name'} value={said[at]} onInput={(e) => put({ [at]: e.currentTarget.value })} />}</FormRow>
  )
  const choice = (faults: Fault[], at: 'format' | 'type' | 'intention', label: string, of: [string, string][]) => (
    <FormRow label={label} at={at} faults={faults}>{(id, by) => <select id={id} aria-describedby={by} class="field" value={said[at]} onChange={(e) => put({ [at]: e.currentTarget.value })}>{of.map(([v, title]) => <option key={v} value={v}>{title}</option>)}</select>}</FormRow>
  )
  const send = async (): Promise<Done> => {
    const all = Object.fromEntries(headers.split('\n').filter((h) => h.includes(':')).map((h) => [h.slice(0, h.indexOf(':')).trim(), h.slice(h.indexOf(':') + 1).trim()]))
    const is = await (l ? updateThreatList(l.id, { ...said, headers: all }) : createThreatList({ ...said, headers: all }))
    onDone()
    return is.error === '' ? { text: `${oneLine(is.name, 80)} is ${l ? 'changed' : 'added'}.` } : { text: `${oneLine(is.name, 80)} is kept, and could not be read: ${oneLine(is.error, 200)}`, failed: true }
  }
  return (
    <SentForm name={l ? 'Change a list' : 'Add a list'} verb={l ? 'Keep it' : 'Add it'} rows={rows} send={send} close={close}>
      {(faults) => <>
      {text(faults, 'name', 'Name', 'Letters, digits, - and _; rules ask for table threat_NAME.')}
      {text(faults, 'url', 'URL')}
      {text(faults, 'file', 'Or file', 'The name of a file in the folder intel of the data folder.')}
      {choice(faults, 'format', 'Format', [['auto', 'as it looks'], ['list', 'a value a line'], ['csv', 'CSV'], ['misp', 'MISP'], ['stix', 'STIX'], ['taxii', 'TAXII']])}
      {choice(faults, 'type', 'Its values are', [['', 'as they look'], ['IP', 'addresses'], ['DOMAIN', 'domains'], ['URL', 'URLs'], ['HASH', 'hashes']])}
      {text(faults, 'category', 'Category', 'Of indicators of which the list says none: malware, tor, scanner, …')}
      {choice(faults, 'intention', 'Intention', [['', 'not said'], ['malicious', 'malicious'], ['suspicious', 'suspicious'], ['benign', 'benign'], ['unknown', 'unknown']])}
      {text(faults, 'refresh', 'Read every', 'Such as 30m or 1d.')}
      <FormRow label="Headers" at="headers" faults={faults} hint="One a line, as in Authorization: secret:NAME, where NAME is that of a secret of the engine. Where it may go says --outbound-secret at the start, or an administrator.">{(id, by) => <textarea id={id} aria-describedby={by} class="field mono" rows={2} value={headers} onInput={(e) => setHeaders(e.currentTarget.value)} />}</FormRow>
      <label class="list-enabled"><input type="checkbox" checked={said.enabled} onChange={(e) => put({ enabled: e.currentTarget.checked })} /> It is on</label>
      </>}
    </SentForm>
  )
}
