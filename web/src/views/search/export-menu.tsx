import { useRef, useState } from 'preact/hooks'
import type { Filter } from '../../api/signals'
import { Menu, MenuItem } from '../../parts/menu'
import { tell } from '../../state/done'
import { count, plural } from '../../state/text'
import { exportEvents, most, type Format } from './export'
import { save } from '../../state/file'

interface ExportProps {
  filter: Filter
  sort: '-timestamp' | 'timestamp'
  total: number | undefined
  partial: boolean
  columns: string[]
}

/** ExportMenu makes a file of what is found, and says of how many events. */
export function ExportMenu({ filter, sort, total, partial, columns }: ExportProps) {
  const [done, setDone] = useState<number | undefined>()
  const running = useRef<AbortController | undefined>(undefined)
  const write = async (format: Format) => {
    const stop = new AbortController()
    running.current = stop
    setDone(0)
    try {
      const { file, events, more } = await exportEvents(filter, sort, format, columns, stop.signal, setDone)
      save(file, `events-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`)
      tell({ text: `${plural(events, 'event')} exported${more ? `, the ${sort === '-timestamp' ? 'newest' : 'oldest'} of what is found` : ''}.` })
    } catch (e) {
      tell(stop.signal.aborted ? { text: 'The export was cancelled; no file was made.' } : { text: `Not exported: ${(e as Error).message}`, failed: true })
    }
    setDone(undefined)
  }
  if (done !== undefined) return <span class="mut" role="status">Exporting {count(done)} <button class="link" onClick={() => running.current?.abort()}>Cancel</button></span>
  const n = total === undefined ? 'the events' : total > most ? `the ${sort === '-timestamp' ? 'newest' : 'oldest'} ${count(most)} of ${partial ? 'at least ' : ''}${count(total)}` : partial ? `what is found, at least ${plural(total, 'event')}` : plural(total, 'event')
  return (
    <Menu label={<>Export <i class="down" /></>} disabled={total === 0}>
      <p class="menu-head">Export {n}</p>
      <MenuItem act={() => void write('csv')}>CSV, the columns that are shown</MenuItem>
      <MenuItem act={() => void write('ndjson')}>NDJSON, every field</MenuItem>
    </Menu>
  )
}
